"""The README's quick start, typed as it stands there."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.failures.processes import ROOT, Child, ended
from tests.required import unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
PUBLIC = "http://127.0.0.1:8000"
LETTER_SECONDS = 20
PAUSE = "\nsleep 2\n"
"""A person reads before going on; meanwhile booking hears of the organisation."""


def wait_for_a_letter(folder: Path, *, beside: set[Path]) -> None:
    """Wait until somebody was written to, after the letters that were there."""
    until = time.monotonic() + LETTER_SECONDS
    while not set(folder.glob("*.eml")) - beside:
        assert time.monotonic() < until, "no letter came"
        time.sleep(0.05)


async def test_the_quick_start_works_as_written(tmp_path: Path) -> None:
    """Key, organisation, venue, room, booking, event, public form and link: each does as told."""
    data = tmp_path / "var"
    child = Child("services", log=tmp_path / "log.txt", environment={"ANDAN_DATA": str(data)})
    with ended(child):
        await child.start().until_ready()
        type_quick_start(child.url, tmp_path)


def type_quick_start(url: str, folder: Path) -> None:
    """Type what the README says for the house at `url`, whose data lies in `folder`/var."""
    for program in ("bash", "curl", "python3"):
        if shutil.which(program) is None:
            unavailable(f"{program} is missing")
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace(PUBLIC, url)
    *before, confirming = BLOCK.findall(text)
    names = before[0].partition("organisation=")[0]
    mail = folder / "var" / "mail"
    there = set(mail.glob("*.eml"))
    asked = run(PAUSE.join(before), folder)
    wait_for_a_letter(mail, beside=there)
    confirmed = run(f"{names}\n{confirming}", folder)
    assert '"purpose":"Frökväll"' in asked
    assert '"status":"pending"' in asked
    assert '"status":"confirmed"' in confirmed
    assert '"template":"registration-pending"' in confirmed
    assert '"key":"gatherings"' in confirmed
    assert "/problems/" not in asked + confirmed


def run(script: str, folder: Path) -> str:
    """Run a script as a person would in `folder`; return what it printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
