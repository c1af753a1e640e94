"""The catalogues: nothing missing, nothing left over, every value in its place."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from services.web.words import LOCALE, WORDS, Language, read_catalogue
from tests.web.wording import ROOT, texts

FOR_STAFF = ("desk", "door", "ops", "sign_in")
"""Rooms that are in Swedish and English only."""
_VALUES = re.compile(r"%\((\w+)\)s")


def _is_public(path: Path) -> bool:
    return not any(part.removesuffix(".py") in FOR_STAFF for part in path.parts)


def _keys(*, public: bool) -> Iterator[tuple[str, Path]]:
    for path, text in texts():
        if _is_public(path) or not public:
            yield (text if isinstance(text, str) else text[0]), path


@pytest.mark.parametrize(("language", "public"), [("sv", False), ("ar", True)])
def test_every_text_is_translated(language: str, public: bool) -> None:
    """Swedish has all texts, Arabic all that the public reads."""
    known = read_catalogue(Language(language)).texts
    missing = sorted({f"{path}: {key}" for key, path in _keys(public=public) if key not in known})
    assert missing == []


@pytest.mark.parametrize("language", ["sv", "ar"])
def test_no_catalogue_keeps_what_nobody_says(language: str) -> None:
    """A text that left the pages leaves the catalogues."""
    said = {key for key, _ in _keys(public=False)}
    known = read_catalogue(Language(language)).texts
    assert sorted(set(known) - said) == []


def _messages(language: str) -> Iterator[tuple[Path, object]]:
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    yield path, message


@pytest.mark.parametrize(("language", "forms"), [("sv", 2), ("ar", 6)])
def test_every_value_keeps_its_name_and_every_number_its_forms(language: str, forms: int) -> None:
    """A %(name)s of the English text is in the translation, and plurals are as many as needed."""
    for path, message in _messages(language):
        source, told = message.id, message.string  # type: ignore[attr-defined]  # babel's message
        if isinstance(source, tuple):
            assert len(told) == forms, (path.name, source)
            wanted = set(_VALUES.findall(source[1]))
            assert all(set(_VALUES.findall(each)) <= wanted for each in told), source
        else:
            assert set(_VALUES.findall(source)) == set(_VALUES.findall(told)), (path.name, source)


@pytest.mark.parametrize("language", ["sv", "ar"])
def test_a_text_is_told_in_one_way(language: str) -> None:
    """Two catalogues do not tell the same text differently."""
    told: dict[str, str] = {}
    for path, message in _messages(language):
        key = str(message.id)  # type: ignore[attr-defined]  # babel's message
        words = str(message.string)  # type: ignore[attr-defined]
        assert told.setdefault(key, words) == words, (path.name, key)


@pytest.mark.parametrize(
    ("count", "form"),
    [(0, 0), (1, 1), (2, 2), (3, 3), (10, 3), (11, 4), (99, 4), (100, 5), (103, 3)],
)
def test_arabic_has_six_forms(count: int, form: int) -> None:
    """The forms go with the numbers as the language has them."""
    assert read_catalogue(Language.ARABIC).plural(count) == form


def test_words_of_the_api_have_words_for_people() -> None:
    """Every word of a closed list is told; one that is new stands as it is."""
    from shared.contracts.words import BookingStatus, EventFormat, RegistrationStatus, Sector

    for kind, words in (
        ("format", EventFormat),
        ("sector", Sector),
        ("registration", RegistrationStatus),
        ("booking", BookingStatus),
    ):
        assert {each.value for each in words} <= set(WORDS[kind])
    assert read_catalogue(Language.SWEDISH).word("unheard-of", "format") == "unheard-of"


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_template_holds_nothing_that_the_policy_refuses(path: Path) -> None:
    """No style, no script of its own, no handler, no address of another host, no raw markup."""
    source = path.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=", source)
    assert not re.search(r"<style|<script(?![^>]* src=)|\son[a-z]+\s*=|javascript:", source)
    assert not re.search(r"""(?:href|src|action)=["']?(?:https?:)?//""", source)
    assert "data:" not in source
    assert re.findall(r"<script[^>]*>", source) == re.findall(r"<script[^>]*src=[^>]*>", source)
    assert not re.search(r"\|\s*safe\b|autoescape false", source)
    assert not re.search(r"\b(?:margin|padding|left|right)-(?:left|right)\b", source)
