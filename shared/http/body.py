"""The types of request bodies: strict, bounded, and free of what a store or a mail can choke on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_CONTROLS: Final = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_LINE_ENDS: Final = r"\u0009\u000a\u000d\u2028\u2029"
_OVERRIDES: Final = r"\u202a-\u202e\u2066-\u2069"
_LINE: Final = f"^[^{_CONTROLS}{_LINE_ENDS}{_OVERRIDES}]*$"
_TEXT: Final = f"^[^{_CONTROLS}{_OVERRIDES}]*$"
_UNWANTED: Final = re.compile(f"[{_CONTROLS}{_LINE_ENDS}{_OVERRIDES}]")
NOT_IN_TEXT: Final = frozenset((_LINE, _TEXT))
"""The patterns that keep control characters and the like out, as an error names them."""
_UNSEEN: Final = frozenset(("Cc", "Cf", "Me", "Mn", "Zl", "Zp", "Zs"))
_MAX_INT: Final = 2**31 - 1
_MAX_STR: Final = 2_000
_YEARS: Final = range(1900, 2201)
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LOCAL_PART: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)+(?![0-9]+$){_LABEL}")


def _tighten(schema: Any) -> None:
    """Make plain types in a core schema strict and bounded, in place."""
    if isinstance(schema, list | tuple):
        for part in schema:
            _tighten(part)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind in ("int", "float", "bool", "str"):
        schema["strict"] = True
    if kind == "int":
        if not {"le", "lt"} & schema.keys():
            schema["le"] = _MAX_INT
        if not {"ge", "gt"} & schema.keys():
            schema["ge"] = -_MAX_INT
    if kind == "str":
        schema.setdefault("max_length", _MAX_STR)
        schema.setdefault("pattern", _TEXT)
    if kind == "list":
        schema.setdefault("max_length", 1_000)
    for name, part in schema.items():
        if name not in ("default", "metadata", "serialization", "expected"):
            _tighten(part)


class Body(BaseModel):
    """A request body: unknown fields are refused, nothing is turned from one type into another.

    Plain `str`, `int` and so on are strict and bounded too (2,000 characters without control
    characters, 32 bits); the types below say it better.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        schema = handler(source)
        _tighten(schema)
        return schema


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: `Annotated[str, Line(200)]`; trimmed, NFC, at least `min` characters.

    Refuses control characters and direction overrides, also where they hide in an RFC 2047
    encoded word, because a line may end up in a mail's header.
    """

    max: int
    min: int = 1

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            _plain_line, _str_schema(self.min, self.max, _LINE)
        )


@dataclass(frozen=True, slots=True)
class Text:
    r"""Text of several lines: `Annotated[str, Text(5000)]`; trimmed, NFC, lines end in \n."""

    max: int
    min: int = 1

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            _plain_text, _str_schema(self.min, self.max, _TEXT)
        )


def _str_schema(min_length: int, max_length: int, pattern: str) -> CoreSchema:
    return core_schema.str_schema(
        strict=True,
        strip_whitespace=True,
        min_length=min_length,
        max_length=max_length,
        pattern=pattern,
    )


def _plain_line(text: str) -> str:
    if "=?" in text:
        try:
            decoded = str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, ValueError):
            decoded = "\0"
        if _UNWANTED.search(decoded):
            raise PydanticCustomError("encoded_word", "Encoded words are not allowed")
    return _seen(unicodedata.normalize("NFC", text))


def _plain_text(text: str) -> str:
    return _seen(unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))


def _seen(text: str) -> str:
    """Return a text that shows anything, or is empty: marks alone say nothing to a reader."""
    if text and all(unicodedata.category(each) in _UNSEEN for each in text):
        raise PydanticCustomError("unseen", "There is nothing to be read in it")
    return text


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        at = ""
    if (
        not at
        or "=?" in text
        or len(local) > 64
        or len(domain) > 253
        or not _LOCAL_PART.fullmatch(local)
        or not _DOMAIN.fullmatch(domain)
    ):
        raise PydanticCustomError("email", "This is not an e-mail address we can write to")
    return f"{local}@{domain}"


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def _zone(text: str) -> str:
    if text not in _zones():
        raise PydanticCustomError("zone", "This is not an IANA time zone")
    return text


def _instant(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            value = datetime.fromisoformat(value.upper())
        if isinstance(value, datetime) and value.year in _YEARS and value.tzinfo is not None:
            return value.astimezone(UTC)
    except ValueError:
        pass
    raise PydanticCustomError(
        "instant", "An instant is RFC 3339 with seconds and an offset, from 1900 to 2200"
    )


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            value = date.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime) and value.year in _YEARS:
            return value
    except ValueError:
        pass
    raise PydanticCustomError("day", "A day is YYYY-MM-DD, from 1900 to 2200")


Name = Annotated[str, Line(200)]
"""What something or somebody is called."""

Email = Annotated[str, Line(254, min=3), AfterValidator(_email)]
"""An address that a letter can be sent to: ASCII before the @, the domain in its ASCII form."""

Zone = Annotated[str, Line(64), AfterValidator(_zone)]
"""An IANA time zone, as Europe/Stockholm."""

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
"""The id of anything, in bodies, paths and queries."""

Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2023-05-04T12:00:00Z"]}),
]
"""An instant with its offset, turned into UTC; in bodies and queries."""

Day = Annotated[
    date,
    PlainValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2023-05-04"]}),
]
"""A calendar day; in bodies, paths and queries."""

Year = Annotated[int, Field(ge=1900, le=2200)]
"""A calendar year; in bodies, paths and queries."""

People = Annotated[int, Field(ge=1, le=100_000)]
"""How many people, at least one."""

Count = Annotated[int, Field(ge=0, le=10_000_000)]
"""How many of something, perhaps none."""
