"""What the documents name is there: links, commands, decisions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, own_files, sources

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
COMMAND = re.compile(r"\bmake ([a-z-]+)")
DECISIONS = ROOT / "docs" / "decisions"
HEADINGS = ["Context", "Decision", "Consequences", "Enforced by"]


def documents() -> list[str]:
    """Return the paths of all documents."""
    return [path for path in own_files() if path.endswith(".md")]


def broken_links(path: Path, text: str) -> Iterator[str]:
    """Yield the relative links of a document that lead nowhere."""
    for link in LINK.findall(text):
        if not (path.parent / link).exists():
            yield f"{path.relative_to(ROOT)}: {link}"


def unknown_commands(text: str, makefile: str) -> set[str]:
    """Return the `make` commands in code of a text that the Makefile does not show."""
    code = " \n ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    return set(COMMAND.findall(code)) - set(TARGET.findall(makefile))


def test_links_lead_somewhere() -> None:
    """Every relative link of every document leads to a file or folder."""
    found = [
        link
        for path in documents()
        for link in broken_links(ROOT / path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_commands_exist(path: str) -> None:
    """Every `make` command that a newcomer reads of is one that `make help` shows."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert unknown_commands(text, (ROOT / "Makefile").read_text(encoding="utf-8")) == set()


def test_decisions_are_complete_and_listed() -> None:
    """Each decision has its four parts, stands in the index, and is there when code names it."""
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    pages = sorted(DECISIONS.glob("[0-9]*.md"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS, page.name
        assert text.startswith(f"# ADR-{page.name[:4]}: ")
        assert f"]({page.name})" in index
    named = {n for source in sources() for n in re.findall(r"\bADR-(\d{4})\b", source.text)}
    assert named - {page.name[:4] for page in pages} == set()


def test_planted_gaps_are_found() -> None:
    """A link that leads nowhere and a command that is not there are reported."""
    text = "[a](docs/gone.md) [b](README.md) [c](https://example.org) run `make soup` or make tea"
    assert list(broken_links(ROOT / "X.md", text)) == ["X.md: docs/gone.md"]
    assert unknown_commands(text, "test: ## Run") == {"soup"}
