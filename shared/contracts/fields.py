"""Kinds of fields that messages are made of, each with its bounds."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from shared.contracts.words import LANGUAGE_PATTERN

_ID = r"^[A-Za-z0-9-]+$"
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None


Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_ID)]
"""An identifier; a UUIDv7 today, opaque to readers."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_ONE_LINE)]
"""A name or title: one line without control characters."""
LongLine = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=_ONE_LINE)]
"""A token or an address on the web."""
Slug = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$"),
]
Language = Annotated[str, StringConstraints(max_length=35, pattern=LANGUAGE_PATTERN)]
TimeZone = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")
]
"""An IANA zone."""
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant; RFC 3339 with `Z` in JSON, aware UTC in Python."""
Day = date
Year = Annotated[int, Field(ge=1900, le=9999)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
People = Annotated[int, Field(ge=1, le=1_000_000)]
Titles = Annotated[dict[Language, Line], Field(min_length=1, max_length=30)]
"""The same title in one or more languages, by language tag."""
