"""What style sheet, script and templates promise: sizes, no foreign or inline content, contrast."""

import re
from pathlib import Path

import pytest

import services.web.assets as assets_module
from services.web.rendering import TEMPLATES

ASSETS = Path(assets_module.FOLDER)
CSS = (ASSETS / "andan.css").read_text(encoding="utf-8")
PAIRS = [
    ("ink", "paper", 7.0),
    ("ink", "surface", 7.0),
    ("ink", "rape-soft", 7.0),
    ("muted", "paper", 4.5),
    ("muted", "sunken", 4.5),
    ("muted", "surface", 4.5),
    ("edge", "surface", 3.0),
    ("edge", "paper", 3.0),
    ("strait", "paper", 4.5),
    ("strait", "strait-soft", 4.5),
    ("on-strait", "strait", 4.5),
    ("on-rape", "rape", 4.5),
    ("on-wall", "wall", 4.5),
    ("on-wall", "pane", 4.5),
    ("wall-muted", "wall", 4.5),
    ("good", "good-soft", 4.5),
    ("warn", "warn-soft", 4.5),
    ("bad", "bad-soft", 4.5),
    *[(f"n{rating}", "paper", 3.0) for rating in range(1, 6)],
]
"""Text or mark, ground, and the least contrast of the two."""


def tokens(scheme: str) -> dict[str, str]:
    """Return the colours of a scheme; the dark one changes some of the light ones."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})", dark))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_can_be_told_apart(scheme: str, front: str, ground: str, least: float) -> None:
    """Every pair that pages use has the contrast it needs, in light and dark."""
    colours = tokens(scheme)
    high, low = sorted((luminance(colours[front]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= least


def test_the_assets_stay_small() -> None:
    """A page weighs little: 22 KB of style and 4 KB of script, before they are packed."""
    assert len(CSS.encode()) <= 22 * 1024
    assert (ASSETS / "andan.js").stat().st_size <= 4 * 1024


def test_the_style_works_in_both_directions_and_asks_nobody() -> None:
    """No side of a line is named left or right, nothing is fetched from anywhere."""
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    assert not re.search(r"\b(left|right)\b", rules)
    for word in ("url(", "@import", "!important", "http"):
        assert word not in rules


def test_every_part_stands_where_the_style_can_reach_it() -> None:
    """A class that the parts and the shell use is known to the style sheet."""
    known = set(re.findall(r"\.([a-z][\w-]*)", CSS))
    plain = {"bar-words", "day", "unknown", "s"}
    for path in [*(TEMPLATES / "parts").glob("*.html"), TEMPLATES / "shell.html"]:
        text = re.sub(r"\{[{%#].*?[}%#]\}", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for names in re.findall(r'class="([^"]*)"', text):
            assert set(names.split()) <= known | plain, path.name


def test_every_rule_is_for_something_that_pages_have() -> None:
    """A class that no template and no code names any more leaves the style sheet, as do colours."""
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    pages = TEMPLATES.parent
    sources = [*TEMPLATES.rglob("*.html"), *pages.rglob("*.py"), ASSETS / "andan.js"]
    text = re.sub(
        r"\{#.*?#\}", "", "".join(path.read_text("utf-8") for path in sources), flags=re.S
    )
    named = {
        word for told in re.findall(r'"([^"\n]*)"', text) for word in re.findall(r"[\w-]+", told)
    }
    numbered = {
        f"{letter}{n}" for letter, most in (("s", 48), ("n", 5)) for n in range(1, most + 1)
    }
    assert set(re.findall(r"\.([a-z][\w-]*)", rules)) - numbered <= named
    assert {
        each for each in re.findall(r"(--[\w-]+):", rules) if f"var({each})" not in rules
    } == set()
