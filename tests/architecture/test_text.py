"""The tree runs anywhere: no registry's address, no path of one machine."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, own_files

REGISTRIES = ("py" + "pi", "python" + "hosted", "npm" + "js", "goproxy", "proxy.golang", "crates")
ADDRESS = re.compile(
    r"https?://[a-z0-9.-]*(" + "|".join(map(re.escape, REGISTRIES)) + r")[a-z0-9.-]*"
    r"|https?://(repo[0-9]*|central)\.maven|https?://deb\.debian",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.}$)-])/(work|farm|root|home|Users)/")
THIRD_PARTY = re.compile(
    r"\.min\.(js|css)$|\.(ttf|otf|woff2?)$|(^|/)(uv\.lock|package-lock\.json)$"
)


def ties(path: str, text: str) -> Iterator[str]:
    """A lock that names one registry, or a script that names one home, works on one machine.

    The day the mirror is gone, or the checkout lies elsewhere, nothing can be built any more.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if ADDRESS.search(line) or MACHINE.search(line):
            yield f"{path}:{number}: {line.strip()[:80]}"


def test_nothing_ties_the_tree_to_a_machine() -> None:
    """No file names a package registry or a folder of somebody's machine."""
    found: list[str] = []
    for path in own_files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or another binary
        found += ties(path, text)
    assert found == []


def test_nothing_third_party_is_copied_in() -> None:
    """Fonts, minified scripts and foreign locks come out of installed packages."""
    assert [path for path in own_files() if THIRD_PARTY.search(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "index-url = https://files." + "python" + "hosted.org/simple",
        "see https://" + "py" + "pi.org/project/x",
        "cd /" + "root/andan",
        'open("/' + 'home/anna/x")',
    ],
)
def test_a_planted_tie_is_found(line: str) -> None:
    """An address of a registry and a path of a machine are reported."""
    assert list(ties("Makefile", line))


@pytest.mark.parametrize(
    "line", ["#!/usr/bin/env bash", "GET /v1/homes/", "https://example.org/work"]
)
def test_other_addresses_may_stand(line: str) -> None:
    """What every machine has, and what is an example, is no tie."""
    assert list(ties("docs/why.md", line)) == []
