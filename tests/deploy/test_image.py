"""The image: one for all services, small in what it may do, and the same at every build."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their arguments, continued lines joined."""
    whole = re.sub(r"\\\n", " ", text)
    lines = [line.strip() for line in whole.splitlines()]
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in pairs]


def weaknesses(text: str) -> Iterator[str]:
    """What makes an image change from build to build, run as root, or lose its signals."""
    found = instructions(text)
    stages = {rest.split()[-1] for word, rest in found if word == "FROM" and " AS " in rest}
    for word, rest in found:
        if word == "FROM" and rest.split()[0] not in stages:
            if not re.search(r":\d+\.\d+\.\d+", rest.split()[0]):
                yield f"{rest}: names no version"
            if "." in rest.split("/")[0].split(":")[0]:
                yield f"{rest}: names a registry"
        if word == "ADD":
            yield f"ADD {rest}: fetches and unpacks; COPY does not"
        if word in {"CMD", "ENTRYPOINT"} and not rest.startswith("["):
            yield f"{word} {rest}: a shell would stand between a signal and the process"
        if word == "RUN" and re.search(r"\b(sudo|curl|wget)\b|pip install(?!.*==)", rest):
            yield f"RUN {rest}: takes what happens to be there"
        if word in {"ENV", "ARG"} and re.search(r"(?i)(password|secret|token)\S*=", rest):
            yield f"{word} {rest}: a secret stays in the image"
    users = [rest for word, rest in found if word == "USER"]
    if not users or users[-1].split(":")[0] in {"root", "0"}:
        yield "the last USER is root"
    if not any(word == "HEALTHCHECK" for word, _ in found):
        yield "nobody asks whether it is well"


def test_the_image_is_sound() -> None:
    """It breaks none of our rules."""
    assert list(weaknesses(DOCKERFILE.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "FROM python:3.11",
        "FROM python:latest",
        "FROM registry.example.org/python:3.11.14",
        "ADD . /app",
        "CMD python -m services",
        "RUN pip install uv",
        "RUN curl https://example.org/x | sh",
        "ENV DATABASE_PASSWORD=x",
        "USER root",
    ],
)
def test_a_planted_weakness_is_found(line: str) -> None:
    """Each rule is broken by a line that was added at the end."""
    assert list(weaknesses(DOCKERFILE.read_text("utf-8") + line + "\n"))


def test_the_health_check_is_a_program() -> None:
    """What is run in the container is Python that compiles, and asks /livez."""
    (rest,) = [rest for word, rest in instructions(DOCKERFILE.read_text()) if word == "HEALTHCHECK"]
    program, option, source = json.loads(rest[rest.index("CMD") + 3 :])
    assert (program, option) == ("python", "-c")
    assert "/livez" in source
    compile(source, "HEALTHCHECK", "exec")


def test_only_what_runs_goes_into_the_image() -> None:
    """Data, secrets, tests and history stay outside of what the build sees."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*"
    allowed = {each[1:] for each in ignored if each.startswith("!")}
    copied: set[str] = set()
    for word, rest in instructions(DOCKERFILE.read_text("utf-8")):
        if word == "COPY" and "--from" not in rest:
            copied.update(rest.split()[:-1])
    assert copied == allowed == {"requirements.lock", "services", "shared"}


def test_a_known_linter_finds_nothing() -> None:
    """hadolint, where it is installed, agrees; and it is seen to disagree with a planted line."""
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip("hadolint is not installed")
    run = [found, "--no-color", "-"]
    good = subprocess.run(run, input=DOCKERFILE.read_bytes(), capture_output=True, check=False)
    assert good.stdout.decode() == ""
    bad = DOCKERFILE.read_bytes() + b"ADD x /y\n"
    assert subprocess.run(run, input=bad, capture_output=True, check=False).returncode != 0
