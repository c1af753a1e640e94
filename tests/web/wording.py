"""Finds every text of the pages that a catalogue must have, and where it stands."""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_file

import services.web

ROOT = Path(services.web.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}

Text = str | tuple[str, str]


def texts() -> Iterator[tuple[Path, Text]]:
    """Return each text with its file; one with a plural is a pair."""
    for path in sorted(ROOT.rglob("*.py")):
        yield from _of(path, "python")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield from _of(path, "jinja2.ext:babel_extract")


def _of(path: Path, method: str) -> Iterator[tuple[Path, Text]]:
    options = {"trimmed": "false", "newstyle_gettext": "true", "silent": "false"}
    given = options if method.startswith("jinja2") else {}
    for found in extract_from_file(method, path, keywords=KEYWORDS, options=given):
        text = found[1]
        where = path.relative_to(ROOT)
        if isinstance(text, tuple):
            yield where, (str(text[0]), str(text[1]))
        elif text:
            yield where, text
