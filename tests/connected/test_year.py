"""The demo year with every service its own process tells the same figures as embedded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.testing.jars import NoKafka, jars, java
from shared.testing.ports import free_port
from tests.connected.house import MARKS
from tests.failures.processes import ROOT
from tests.required import unavailable

pytestmark = [*MARKS, pytest.mark.timeout(1800)]

PATIENCE_SECONDS = 1700


def test_the_year_is_the_same_to_the_byte(own_folder: Path) -> None:
    """On Kafka and PostgreSQL every figure agrees, and figures.json is that of one process."""
    try:
        java(), jars()
    except NoKafka as error:
        unavailable(str(error))
    both = {mode: played(own_folder / mode, mode) for mode in ("distributed", "embedded")}
    try:
        for mode, child in both.items():
            status = child.wait(PATIENCE_SECONDS)
            assert status == 0, f"{mode}: {said(own_folder / mode)[-3000:]}"
    finally:
        for child in both.values():
            child.terminate()  # the distributed one ends its own children
            child.wait(60)
    figures = {mode: (own_folder / mode / "var/demo/figures.json").read_bytes() for mode in both}
    assert figures["distributed"] == figures["embedded"]
    assert len(figures["embedded"]) > 1000


def played(folder: Path, mode: str) -> "subprocess.Popen[bytes]":
    """Play the year in a folder, as `make demo MODE=… EXIT=1` does."""
    folder.mkdir()
    port = ("--port", str(free_port()))
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (folder / "said.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services", *f"demo --exit --mode {mode}".split(), *port],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def said(folder: Path) -> str:
    """Return what the demo in a folder has printed."""
    return (folder / "said.txt").read_text(errors="replace")
