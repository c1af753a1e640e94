"""The envelope survives its headers, and what is no envelope is refused with a sentence."""

from datetime import UTC, datetime, timedelta, timezone
from timeit import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import LARGEST_SEQUENCE, Envelope, MalformedEnvelope

ENVELOPE = Envelope(
    id="0186b3d0-8a2a-7192-9169-2e39564217a5",
    source="https://andan.example/events",
    type="se.andan.events.registration.confirmed.v1",
    time=datetime(2023, 3, 7, 17, 0, 0, 25, tzinfo=UTC),
    subject="0186b3d0-d2a1-7bdf-935d-64d62c95f14a",
    dataschema="/schemas/se.andan.events.registration.confirmed.v1.json",
    sequence=3,
    causationid="0186b3d0-e95f-730f-96a9-4d2fbbdc1cf6",
    traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
maybe = st.none() | words


def headers(**changes: bytes | None) -> list[tuple[str, bytes]]:
    """Return good headers, with some replaced, or left out where None."""
    changed = {name.replace("content_type", "content-type"): to for name, to in changes.items()}
    found = {**dict(ENVELOPE.to_headers()), **changed}
    return [(name, value) for name, value in found.items() if value is not None]


@given(
    id=words,
    source=words,
    type=words,
    time=st.datetimes(
        min_value=datetime(1, 1, 2),  # hypothesis wants naive bounds
        max_value=datetime(9999, 12, 30),  # hypothesis wants naive bounds
        timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-5))),
    ),
    subject=maybe,
    dataschema=maybe,
    sequence=st.none() | st.integers(0, LARGEST_SEQUENCE),
    causationid=maybe,
    content_type=maybe,
)
@settings(max_examples=150, deadline=None)
def test_round_trip(**attributes: object) -> None:
    """Whatever an envelope says comes back from its headers, the time to the microsecond."""
    envelope = Envelope(**attributes)  # type: ignore[arg-type]  # hypothesis gives the right kinds
    back = Envelope.from_headers(envelope.to_headers())
    assert back == envelope
    assert back.time.utcoffset() == timedelta(0)


def test_headers_are_those_of_the_binding() -> None:
    """The headers are CloudEvents' Kafka binary binding, the time RFC 3339 with Z."""
    found = dict(ENVELOPE.to_headers())
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_time"] == b"2023-03-07T17:00:00.000025Z"
    assert found["ce_sequence"] == b"3"
    assert found["content-type"] == b"application/json"
    assert found["traceparent"] == b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    others = found.keys() - {"content-type", "traceparent"}
    assert all(name.startswith("ce_") for name in others)


def test_what_is_not_said_is_not_sent() -> None:
    """An attribute that is None has no header: a survey's message carries no trace."""
    bare = Envelope(id="1", source="s", type="t", time=ENVELOPE.time, content_type=None)
    assert [name for name, _ in bare.to_headers()] == [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ce_specversion": b"0.3"}, "ce_specversion"),
        ({"ce_specversion": None}, "ce_specversion"),
        ({"ce_id": None}, "ce_id"),
        ({"ce_id": b""}, "ce_id"),
        ({"ce_id": b"x" * 256}, "ce_id"),
        ({"ce_id": b"a\x00b"}, "ce_id"),
        ({"ce_subject": b"a\x1bb"}, "ce_subject"),
        ({"ce_source": None}, "ce_source"),
        ({"ce_source": b"x" * 2049}, "ce_source"),
        ({"ce_type": None}, "ce_type"),
        ({"ce_time": None}, "ce_time"),
        ({"ce_time": b"yesterday"}, "ce_time"),
        ({"ce_time": b"2023-03-07T17:00:00"}, "ce_time"),
        ({"ce_time": b"0001-01-01T00:00:00+14:00"}, "ce_time"),
        ({"ce_sequence": b"-1"}, "ce_sequence"),
        ({"ce_sequence": b"9" * 19}, "ce_sequence"),
        ({"ce_sequence": b"9" * 5000}, "ce_sequence"),
        ({"ce_sequence": "٣".encode()}, "ce_sequence"),
        ({"ce_subject": b"\xff\xfe"}, "ce_subject"),
    ],
)
def test_malformed(changes: dict[str, bytes | None], named: str) -> None:
    """What is no CloudEvents 1.0 message is refused by a sentence that names the header."""
    with pytest.raises(MalformedEnvelope, match=rf"^{named} .*\.$"):
        Envelope.from_headers(headers(**changes))


def test_no_headers_at_all() -> None:
    """A message without headers is malformed, not an accident."""
    with pytest.raises(MalformedEnvelope):
        Envelope.from_headers([])


def test_a_header_twice_is_refused() -> None:
    """Two ids in one message are refused: readers would disagree about which it is."""
    with pytest.raises(MalformedEnvelope, match="ce_id stands twice"):
        Envelope.from_headers([*headers(), ("ce_id", b"another")])


def test_a_header_without_a_value_is_refused() -> None:
    """A null, which Kafka allows as a header's value, is no attribute."""
    with pytest.raises(MalformedEnvelope, match="ce_subject has no value"):
        Envelope.from_headers([*headers(ce_subject=None), ("ce_subject", None)])


def test_headers_of_others_do_not_matter() -> None:
    """Foreign headers, even such as are not UTF-8, are passed over."""
    found = Envelope.from_headers([("x-foreign", b"\xff"), *headers(), ("x-foreign", b"\xfe")])
    assert found == ENVELOPE


def test_a_broken_trace_stops_no_message() -> None:
    """A traceparent that is none is dropped; the message goes on without it."""
    found = Envelope.from_headers(headers(traceparent=b"<script>"))
    assert found.traceparent is None
    assert found.id == ENVELOPE.id


def test_a_naive_time_is_never_sent() -> None:
    """An envelope whose time has no zone does not become headers."""
    naive = Envelope(id="1", source="s", type="t", time=ENVELOPE.time.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        naive.to_headers()


def test_is_cheap() -> None:
    """Each way costs microseconds (5 when idle; 25 here, for a busy machine)."""
    as_headers = ENVELOPE.to_headers()
    rounds = 2000
    there = min(repeat(ENVELOPE.to_headers, number=rounds, repeat=5)) / rounds
    back = min(repeat(lambda: Envelope.from_headers(as_headers), number=rounds, repeat=5)) / rounds
    assert there < 25e-6
    assert back < 25e-6
