"""The report as a tagged PDF: the same bytes for the same report, on any machine."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any, Literal

import typst
from fontpkg_noto_sans_arabic import ROOT as ARABIC  # type: ignore[import-untyped]  # no stubs

from services.reporting.accept import Language
from services.reporting.printed import Printed
from services.reporting.schemas import Report

_TEMPLATE = (Path(__file__).parent / "templates" / "report.typ").read_bytes()
_NOT_DISPLAYED = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PANIC = "PanicException"
_LETTERS = ("GREEK", "CYRILLIC", "ARABIC", "ZERO WIDTH")
_SIGNS = (
    "LATIN",
    "COMBINING ACUTE",
    "COMBINING DIAERESIS",
    "COMBINING RING",
    "NARROW NO-BREAK",
    "NO-BREAK",
    "EN DASH",
    "EM DASH",
    "HORIZONTAL ELLIPSIS",
    "LEFT",
    "RIGHT",
    "DOUBLE LOW",
    "SINGLE LOW",
    "N-ARY SUMMATION",
    "MIDDLE DOT",
    "ACUTE",
    "SECTION",
    "DEGREE",
    "COPYRIGHT",
    "EURO",
    "WHITE SQUARE",
)
BOX = "\N{WHITE SQUARE}"
MOST_ATTEMPTS = 60


def report_pdf(report: Report, language: Language) -> bytes:
    """Return the report as PDF/UA-1 in a language; its date is that of the last message counted."""
    (content,) = _compiled(report, language, "pdf")
    return content


def report_pages(report: Report, language: Language) -> list[bytes]:
    """Return the pages of the report as PNG pictures."""
    return _compiled(report, language, "png")


def _compiled(report: Report, language: Language, form: Literal["pdf", "png"]) -> list[bytes]:
    """Compile the report.

    What no font at hand can show becomes a box: a PDF with a missing letter would be refused. So
    does every letter but the Latin ones where the compiler gives up on the others.
    """
    shown = _printable(Printed(report, language).data())
    given = json.dumps(shown, ensure_ascii=False, sort_keys=True)
    compiler = typst.Compiler(font_paths=[str(ARABIC)], ignore_system_fonts=True)
    options: dict[str, Any] = {"pdf_standards": "ua-1"} if form == "pdf" else {"ppi": 100}
    narrower = [_SIGNS, _LETTERS]
    for attempt in range(MOST_ATTEMPTS):
        try:
            content = compiler.compile(
                _TEMPLATE, format=form, sys_inputs={"report": given}, **options
            )
            return content if isinstance(content, list) else [content or b""]
        except BaseException as error:  # the compiler's panic is no Exception
            unknown = _NOT_DISPLAYED.search(str(error))
            if unknown is None and type(error).__name__ != _PANIC:
                raise
            before = given
            if unknown is not None and len(narrower) < 2 and attempt % 20:
                given = given.replace(_unescaped(unknown[1]), BOX)
            if given == before:
                if not narrower:
                    raise
                given = _boxed(given, (*_SIGNS, *narrower.pop()))
    raise AssertionError("the last attempt returns or raises")


def _printable(value: Any) -> Any:
    """Return plain values with a space for every control character in their texts."""
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(each) for each in value]
    return _CONTROL.sub(" ", value) if isinstance(value, str) else value


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def _boxed(text: str, shown: tuple[str, ...]) -> str:
    """Return the text with a box for everything whose Unicode name does not begin with these."""
    return "".join(
        each if each.isascii() or unicodedata.name(each, "").startswith(shown) else BOX
        for each in text
    )
