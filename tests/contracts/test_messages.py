"""Every message: golden samples, described and bounded fields, and a clear no to what is none."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from shared.contracts.booking import BookingConfirmed
from shared.contracts.events import EventContact, ManageLink, RegistrationConfirmed
from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message, UnknownMessage, decode
from shared.contracts.schemas import schema_of
from shared.contracts.surveys import QuoteWithdrawn
from shared.contracts.topics import topic

SAMPLES = Path(__file__).parent / "samples"
EVERY_TYPE = pytest.mark.parametrize("type_", CONTRACTS)


def samples(type_: str) -> dict[str, dict[str, Any]]:
    """Return the golden samples of one type, by what they show."""
    found: dict[str, dict[str, Any]] = json.loads((SAMPLES / f"{type_}.json").read_text("utf-8"))
    return found


def as_json(message: Message) -> dict[str, Any]:
    """Return what `message` looks like to somebody who reads its body."""
    found: dict[str, Any] = json.loads(message.encode())
    return found


def test_samples_are_of_messages() -> None:
    """There are samples of every message and of nothing else."""
    assert {path.stem for path in SAMPLES.glob("*.json")} == CONTRACTS.keys()


@EVERY_TYPE
def test_every_sample_is_read(type_: str) -> None:
    """Old, full and future bodies are read, and nothing that they say is lost or changed."""
    for name, sample in samples(type_).items():
        message = decode(type_, json.dumps(sample).encode())
        assert type(message) is CONTRACTS[type_]
        known = _without_unknown(sample)
        assert _only(as_json(message), known) == known, name
        assert decode(type_, message.encode()) == message
        assert message.key()
        assert message.subject()


@EVERY_TYPE
def test_a_full_sample_is_what_is_written(type_: str) -> None:
    """Writing what was read from a full sample gives that sample."""
    sample = samples(type_)["full"]
    assert _only(as_json(decode(type_, json.dumps(sample).encode())), sample) == sample


@EVERY_TYPE
def test_the_future_reads_like_the_present(type_: str) -> None:
    """Fields that a reader does not know change nothing for it."""
    found = samples(type_)
    future = decode(type_, json.dumps(found["from-the-future"]).encode())
    assert future == decode(type_, json.dumps(found["full"]).encode())


@EVERY_TYPE
def test_each_required_field_is_missed(type_: str) -> None:
    """A body without one of its required fields is no message."""
    minimal = samples(type_)["minimal"]
    for name in minimal:
        short = {field: value for field, value in minimal.items() if field != name}
        with pytest.raises(ValidationError):
            decode(type_, json.dumps(short).encode())


@EVERY_TYPE
def test_fields_are_described(type_: str) -> None:
    """Every field, nested ones too, tells a stranger what it is, with an example."""
    for place, field in _fields(schema_of(CONTRACTS[type_])):
        assert field.get("description", "").strip(), place
        assert field.get("examples"), place


@EVERY_TYPE
def test_examples_hold(type_: str) -> None:
    """Every example of every field is a value that the message takes."""
    message, full = CONTRACTS[type_], samples(type_)["full"]
    for name, field in message.model_fields.items():
        for example in field.examples or ():
            changed = {**full, str(field.serialization_alias or name): example}
            message.model_validate_json(json.dumps(changed))


@EVERY_TYPE
def test_fields_are_bounded(type_: str) -> None:
    """Nothing in a message can be arbitrarily long or large."""
    assert list(_unbounded(schema_of(CONTRACTS[type_]), "message")) == []


def test_an_instant_without_a_zone_is_refused() -> None:
    """No zone is guessed for a time without one; with one, it is told in UTC."""
    sample = samples(BookingConfirmed.type)["full"]
    with pytest.raises(ValidationError):
        BookingConfirmed.model_validate({**sample, "starts_at": "2023-03-07T18:00:00"})
    message = BookingConfirmed.model_validate({**sample, "starts_at": "2023-03-07T18:00:00+01:00"})
    assert message.starts_at == datetime(2023, 3, 7, 17, tzinfo=UTC)
    assert as_json(message)["starts_at"] == "2023-03-07T17:00:00Z"


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"\xff", b'{"event_id": NaN}', b'"\\ud800"', b"[" * 10_000],
)
def test_no_message(body: bytes) -> None:
    """What is no JSON, or none of this message, is refused as such."""
    with pytest.raises(ValidationError):
        decode(RegistrationConfirmed.type, body)


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "a\nb"},
        {"event_id": "a\u0000"},
        {"event_id": "x" * 65},
        {"people": 0},
        {"people": 10**30},
        {"sector": "nobility"},
        {"language": "sv\r\nBcc: x"},
        {"year": 10_000},
    ],
    ids=str,
)
def test_out_of_bounds(change: dict[str, Any]) -> None:
    """A value out of its bounds makes a body no message."""
    body = json.dumps({**samples(RegistrationConfirmed.type)["full"], **change}).encode()
    with pytest.raises(ValidationError):
        decode(RegistrationConfirmed.type, body)


def test_unknown_type() -> None:
    """A type that is not part of the contracts is named in the refusal."""
    with pytest.raises(UnknownMessage, match=r"se\.andan\.events\.event\.invented\.v1"):
        decode("se.andan.events.event.invented.v1", b"{}")


def test_a_type_has_one_class() -> None:
    """A second message of the same type is refused where it is declared."""
    with pytest.raises(TypeError, match="RegistrationConfirmed already"):

        class Impostor(Message):
            type: ClassVar[str] = RegistrationConfirmed.type


def test_messages_are_facts() -> None:
    """What was published cannot be changed."""
    sample = samples(RegistrationConfirmed.type)["full"]
    message = RegistrationConfirmed.model_validate(sample)
    with pytest.raises(ValidationError, match="frozen"):
        message.people = 2


TOMBSTONES = [type_ for type_, message in CONTRACTS.items() if message.tombstone]


@pytest.mark.parametrize("type_", TOMBSTONES)
def test_a_tombstone_is_its_key(type_: str) -> None:
    """It goes to a compacted topic without a body and is read from its key, its one field."""
    kind = CONTRACTS[type_]
    message = kind.model_validate(samples(type_)["full"])
    assert topic(kind.topic).compacted
    assert list(kind.model_fields) == [kind.keyed_by]
    assert message.body() is None
    assert decode(type_, None, message.key().encode()) == message


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"a b", b"x" * 65])
def test_a_tombstone_without_a_key_is_none(key: bytes | None) -> None:
    """A record without a body whose key names nothing is no message."""
    with pytest.raises((ValidationError, UnicodeDecodeError)):
        decode(QuoteWithdrawn.type, None, key)


def test_a_body_is_missed() -> None:
    """What is no tombstone has a body, and a body of none is no message of its type."""
    assert [QuoteWithdrawn.type] == TOMBSTONES
    with pytest.raises(ValidationError):
        decode(RegistrationConfirmed.type, None, b"key")


def test_what_is_inside_a_seal() -> None:
    """A contact comes back as it was from the bytes that are sealed."""
    contact = EventContact(
        name="Åsa Ek",
        email="asa@example.org",
        language="sv",
        purpose="links",
        links=[ManageLink(event_id="e", registration_id="r", manage_token="t" * 900)],
    )
    assert EventContact.model_validate_json(contact.encode()) == contact


@pytest.mark.parametrize("name", ["", "Å\r\nBcc: all@example.org", "a\u0000", "x" * 301])
def test_a_contact_has_no_line_breaks(name: str) -> None:
    """A name that would end a header of a mail is refused before it is sealed."""
    with pytest.raises(ValidationError):
        EventContact(name=name, email="asa@example.org", language="sv")


def _without_unknown(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_unknown(each) for each in value]
    if isinstance(value, dict):
        unknown = {"added_later", "x-also"}
        return {name: _without_unknown(v) for name, v in value.items() if name not in unknown}
    return value


def _only(value: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in names}


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in (schema, *schema.get("$defs", {}).values()):
        for name, field in each.get("properties", {}).items():
            yield f"{each['title']}.{name}", field


def _unbounded(schema: dict[str, Any], place: str) -> Iterator[str]:
    kind = schema.get("type")
    closed = "enum" in schema or "const" in schema or "format" in schema
    if kind == "string" and not closed and "maxLength" not in schema:
        yield place
    if kind in {"integer", "number"} and not {"minimum", "maximum"} <= schema.keys():
        yield place
    if kind == "array" and "maxItems" not in schema:
        yield place
    if kind == "object" and "properties" not in schema and "maxProperties" not in schema:
        yield place
    for name, inner in {**schema.get("properties", {}), **schema.get("$defs", {})}.items():
        yield from _unbounded(inner, f"{place}.{name}")
    for inner in (*schema.get("anyOf", ()), *schema.get("patternProperties", {}).values()):
        yield from _unbounded(inner, place)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _unbounded(schema[name], f"{place} inside")
