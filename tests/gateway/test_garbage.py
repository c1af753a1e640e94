"""Generated requests for every operation of the one document, at the real house over a socket."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.testing.ports import free_port

ROOT = Path(__file__).parents[2]
RUN = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_no_request_breaks_the_house(tmp_path: Path, seed: int, rounds: Any) -> None:
    """Whatever is sent, no answer is a 500, and every answer is as the document says."""
    port = free_port()
    own = {"ANDAN_DATA": str(tmp_path), "PORT": str(port), "ANDAN_RATE_KEY_BURST": "1000000"}
    environment = {**os.environ, **own, "ANDAN_REPLAY_FROM": "2023-01-02T08:00:00Z"}
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-m", "services"]
        house = subprocess.Popen(command, env=environment, stderr=log, cwd=ROOT)
        try:
            _wait(address, tmp_path / "admin-key")
            key = (tmp_path / "admin-key").read_text().strip()
            done = subprocess.run(
                [
                    *(sys.executable, "-c", RUN, "run", f"{address}/openapi.json"),
                    *("-H", f"Authorization: Bearer {key}", "--seed", str(seed)),
                    *("--max-examples", str(rounds(sample=1, whole=100))),
                    *("--phases", "examples,fuzzing", "--exclude-path", "/v1/clock"),
                    "--checks",
                    "not_a_server_error,content_type_conformance,status_code_conformance",
                ],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
            )
        finally:
            house.terminate()
            house.wait(30)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert '"status": 500' not in (tmp_path / "log").read_text()


def _wait(address: str, key: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            if key.exists() and httpx2.get(f"{address}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < until, "the house does not answer"
        time.sleep(0.1)
