"""The types of request bodies."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.http.body import Body, Count, Day, Email, Id, Instant, Line, Name, People, Text, Zone

NAME: TypeAdapter[str] = TypeAdapter(Name)
TEXT: TypeAdapter[str] = TypeAdapter(Annotated[str, Text(100)])
EMAIL: TypeAdapter[str] = TypeAdapter(Email)
ZONE: TypeAdapter[str] = TypeAdapter(Zone)
ID: TypeAdapter[str] = TypeAdapter(Id)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
DAY: TypeAdapter[object] = TypeAdapter(Day)


class Part(Body):
    number: int


class Whole(Body):
    name: Name
    plain: str = ""
    number: int = 0
    share: float = 0
    open: bool = False
    people: People = 1
    count: Count = 0
    kind: Literal["a", "b"] = "a"
    part: Part | None = None
    parts: list[Part] = []
    words: dict[str, str] = {}
    at: Instant | None = None


def refuses(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        "x" * 201,
        "a\0b",
        "a\nBcc: x@example.org",
        "a\rb",
        "a\tb",
        "\u200b\u200f",
        "\u00a0\u0301",
        "a\x1bb",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "a\ud800b",
        "A =?UTF-8?Q?=0A?=Bcc: x@example.org",
        "=?utf-8?b?YQ0KQmNjOiB4QHk=?=",
        "=?utf-8?q?a=00?=",
        "=?nonsense?q?a=00?=",
        1,
        True,
        None,
        b"abc",
        ["a"],
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_name_is_one_harmless_line(value: object) -> None:
    """What could break a line, a store or a mail's header is refused."""
    assert refuses(NAME, value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("  Åsa Öberg ", "Åsa Öberg"),
        ("Malmo\u0308", "Malmö"),
        ("منتدى المدينة", "منتدى المدينة"),
        ("👩‍🚀 & <b>", "👩‍🚀 & <b>"),
        ("What =? maybe ?=", "What =? maybe ?="),
        ("x" * 200, "x" * 200),
    ],
)
def test_a_name_may_be_in_any_language(value: str, kept: str) -> None:
    """Names are trimmed and composed, otherwise kept."""
    assert NAME.validate_python(value) == kept


REFUSED = ("a\0", "a\x1b[31m", "\ud800", "x" * 101, " \n ", "\u200b\n\u200f")


def test_text_has_lines_but_no_controls() -> None:
    r"""Text of several lines ends them in \n and refuses what a name refuses otherwise."""
    assert TEXT.validate_python("a\r\nb\rc\n\td") == "a\nb\nc\n\td"
    assert all(refuses(TEXT, value) for value in REFUSED)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("eva@example.org", "eva@example.org"),
        (" Eva.Ek+andan@Example.ORG ", "Eva.Ek+andan@example.org"),
        ("o'neill@sub.example.org", "o'neill@sub.example.org"),
        ("eva@malmö.se", "eva@xn--malm-8qa.se"),
    ],
)
def test_usual_addresses_are_taken(value: str, kept: str) -> None:
    """The domain is kept in its ASCII form, the part before the @ as written."""
    assert EMAIL.validate_python(value) == kept


@pytest.mark.parametrize(
    "value",
    [
        "eva",
        "@example.org",
        "eva@",
        "eva@localhost",
        "eva@127.0.0.1",
        "eva@[127.0.0.1]",
        "eva@example..org",
        "eva@-example.org",
        "eva@example.123",
        ".eva@example.org",
        "eva.@example.org",
        "e..va@example.org",
        "e va@example.org",
        "eva@example.org, ola@example.org",
        "eva@ola@example.org",
        "<eva@example.org>",
        '"eva"@example.org',
        "eva\n@example.org",
        "eva@example.org\0",
        "=?utf-8?q?eva=0A?=@example.org",
        "évå@example.org",
        f"{'x' * 65}@example.org",
        f"eva@{'x' * 64}.org",
        f"eva@{'x.' * 130}org",
        "eva@" + "\u00df" * 200 + ".org",
        1,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_other_addresses_are_refused(value: object) -> None:
    """One address, of a kind that every mail server takes, or none."""
    assert refuses(EMAIL, value)


@given(st.text(max_size=100))
def test_whatever_is_taken_is_printable(value: str) -> None:
    """No text at all makes a validator raise anything but a validation error."""
    for adapter in (NAME, EMAIL, ZONE, ID):
        if not refuses(adapter, value):
            kept = adapter.validate_python(value)
            assert not set(kept) & set("\0\r\n\x1b\x7f\u2028")
            kept.encode()


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2023-05-04T12:00:00Z", datetime(2023, 5, 4, 12, tzinfo=UTC)),
        ("2023-05-04t14:00:00.5+02:00", datetime(2023, 5, 4, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("1900-01-01T00:00:00-12:00", datetime(1900, 1, 1, 12, tzinfo=UTC)),
    ],
)
def test_an_instant_becomes_utc(value: str, at: datetime) -> None:
    """Instants with an offset are taken and turned into UTC."""
    taken = INSTANT.validate_python(value)
    assert (taken, taken.tzinfo) == (at, UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2023-05-04T12:00:00",
        "2023-05-04",
        "2023-05-04 12:00:00Z",
        "20230504T120000Z",
        "2023-W18-4T12:00:00Z",
        "2023-02-30T12:00:00Z",
        "2023-05-04T24:00:00Z",
        "2023-05-04T12:00:60Z",
        "2023-05-04T12:00:00+99:00",
        "1899-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "٢٠٢٣-05-04T12:00:00Z",
        "2023-05-04T12:00:00Z\n",
        "now",
        1_683_201_600,
        1e400,
        True,
        None,
        datetime(2023, 5, 4),
    ],
    ids=repr,
)
def test_other_instants_are_refused(value: object) -> None:
    """No naive, numeric, impossible or far-off time."""
    assert refuses(INSTANT, value)


@pytest.mark.parametrize("value", ["2023-02-29", "2023-5-4", "20230504", 0, "1899-12-31", "x"])
def test_other_days_are_refused(value: object) -> None:
    """A day is written one way and exists."""
    assert refuses(DAY, value)
    assert not refuses(DAY, "2024-02-29")


@pytest.mark.parametrize(
    "value", ["CET/CEST", "Europe/Atlantis", "../../etc/passwd", "europe/stockholm", "", "EST"]
)
def test_a_zone_is_iana(value: str) -> None:
    """Only names of the time zone database with a region, and UTC."""
    assert refuses(ZONE, value)
    assert ZONE.validate_python("Europe/Stockholm") == "Europe/Stockholm"
    assert ZONE.validate_python("UTC") == "UTC"


@pytest.mark.parametrize(
    "other",
    [
        {"more": 1},
        {"plain": 1},
        {"plain": "a\0"},
        {"plain": "x" * 2_001},
        {"number": "1"},
        {"number": True},
        {"number": 1.0},
        {"number": 2**31},
        {"number": -(2**31)},
        {"share": "1"},
        {"share": float("nan")},
        {"share": float("inf")},
        {"open": 1},
        {"open": "true"},
        {"people": 0},
        {"people": 100_001},
        {"people": True},
        {"count": -1},
        {"kind": "c"},
        {"kind": ["a"]},
        {"part": {"number": "1"}},
        {"part": {"number": 1, "more": 1}},
        {"parts": [{"number": True}]},
        {"parts": [{"number": 1}] * 1_001},
        {"words": {"sv": 1}},
        {"words": {"sv": "a\0"}},
        {"name": None},
    ],
    ids=lambda other: repr(other)[:40],
)
def test_a_body_takes_nothing_for_something_else(other: dict[str, object]) -> None:
    """Unknown fields, other types and numbers out of bounds are refused at every depth."""
    Whole.model_validate({"name": "x"})
    with pytest.raises(ValidationError):
        Whole.model_validate({"name": "x"} | other)


def test_a_body_takes_what_fits() -> None:
    """The same model takes good values of every type."""
    whole = Whole.model_validate(
        json.loads(
            '{"name": "x", "number": 5, "share": 1, "open": true, "people": 3, "kind": "b",'
            ' "part": {"number": 1}, "parts": [{"number": 2}], "words": {"sv": "ö"},'
            ' "at": "2023-05-04T12:00:00Z"}'
        )
    )
    assert whole.part is not None
    assert (whole.number, whole.share, whole.part.number) == (5, 1.0, 1)


def test_the_bounds_stand_in_the_document() -> None:
    """A client can read from the JSON Schema what is taken."""
    schema = Whole.model_json_schema()["properties"]
    assert schema["number"]["maximum"] == 2**31 - 1
    assert schema["name"]["maxLength"] == 200
    assert schema["at"]["anyOf"][0]["format"] == "date-time"


def test_a_short_line_has_its_own_bounds() -> None:
    """Line takes any length that its field asks for."""
    code: TypeAdapter[str] = TypeAdapter(Annotated[str, Line(4, min=2)])
    assert code.validate_python("abcd") == "abcd"
    assert refuses(code, "a")
    assert refuses(code, "abcde")
