"""The one list of topics: names, keys, retention, and what may travel readable on them."""

import re
from datetime import timedelta

import pytest

from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message
from shared.contracts.topics import TOPICS, Topic, dead_letter_topic, topic

EVERY_MESSAGE = pytest.mark.parametrize("message", CONTRACTS.values(), ids=lambda m: m.__name__)
EVERY_TOPIC = pytest.mark.parametrize("each", TOPICS.values(), ids=lambda t: t.name)

PERSONAL = re.compile(
    r"(^|_)(name|email|mail|phone|address|person|persons|contact|needs|text|note|token|ip)(_|$)"
)
OF_NO_PERSON = {
    ("RoomOpened", "name"),
    ("RoomOpened", "venue_name"),
    ("RoomChanged", "name"),
    ("RoomChanged", "venue_name"),
    ("OrganisationRegistered", "name"),
    ("OrganisationChanged", "name"),
    ("PeopleCounted", "persons"),
    ("QuoteApproved", "text"),  # written to be read in public, and approved by a person
}
BESIDE_A_SEAL = {"BallotsMade": {"event_id", "closes_at", "part", "parts"}}
"""What else is readable beside a key and what is sealed: of a survey, and of nobody."""


@EVERY_TOPIC
def test_name(each: Topic) -> None:
    """A topic is `andan.<service>.<aggregate>.v1`, listed under its own name."""
    assert re.fullmatch(r"andan\.[a-z]+\.[a-z]+\.v[1-9]", each.name)
    assert topic(each.name) is each


@EVERY_TOPIC
def test_says_how_long_and_why(each: Topic) -> None:
    """A topic says why it is kept so long; a sealed one expires within a week, unseen."""
    assert each.reason.endswith(".")
    assert each.partitions >= 1
    if each.sealed:
        assert each.retention is not None
        assert each.retention <= timedelta(days=7)
        assert not each.public


def test_a_sealed_topic_kept_for_ever_cannot_be_declared() -> None:
    """Sealed contacts that never expire, or appear in the feed, are refused when declared."""
    with pytest.raises(ValueError, match="sealed"):
        Topic(name="a", key="b", carries="c", reason="d", sealed=True, public=False)
    with pytest.raises(ValueError, match="sealed"):
        Topic(name="a", key="b", carries="c", reason="d", sealed=True, retention=timedelta(days=1))


def test_unknown_topic() -> None:
    """A topic that is not declared is an error that names it."""
    with pytest.raises(LookupError, match=r"andan\.nobody\.nothing\.v1"):
        topic("andan.nobody.nothing.v1")


def test_dead_letters() -> None:
    """A consumer parks on a topic of its own, for two weeks, unseen by the public."""
    parked = dead_letter_topic("notifications", "letters")
    assert parked.name == "andan.notifications.letters.dlq"
    assert parked.retention == timedelta(days=14)
    assert not parked.public
    assert parked.name not in TOPICS


@EVERY_MESSAGE
def test_topic_of_a_message(message: type[Message]) -> None:
    """A message's topic is declared, and its type begins with the topic's service."""
    found = topic(message.topic)
    service = found.name.split(".")[1]
    assert re.fullmatch(rf"se\.andan\.{service}\.[a-z]+\.[a-z]+(-[a-z]+)*\.v[1-9]", message.type)
    assert message.type.split(".")[3] == found.name.split(".")[2]


def test_every_topic_carries_something() -> None:
    """No topic is declared that no message goes to."""
    assert {message.topic for message in CONTRACTS.values()} == TOPICS.keys()


@EVERY_MESSAGE
def test_key_of_a_message(message: type[Message]) -> None:
    """The key is the field that the topic names; key and subject are required fields."""
    word = topic(message.topic).key
    assert message.keyed_by in {word, f"{word}_id"}
    for name in (message.keyed_by, message.about):
        assert message.model_fields[name].is_required()


def test_registrations_share_the_order_of_their_event() -> None:
    """A registration's facts are keyed by the event and about the registration."""
    steps = [m for m in CONTRACTS.values() if "registration_id" in m.model_fields]
    line = [m for m in steps if m.topic == "andan.events.registration.v1"]
    assert len(line) >= 9
    assert {(m.keyed_by, m.about) for m in line} == {("event_id", "registration_id")}


@EVERY_MESSAGE
def test_nothing_personal_is_readable(message: type[Message]) -> None:
    """No readable field is of a person: what is goes sealed, beside nothing but its key."""
    if topic(message.topic).sealed:
        beside = BESIDE_A_SEAL.get(message.__name__, set())
        assert message.model_fields.keys() == {message.keyed_by, "sealed"} | beside
        return
    personal = {name for name in message.model_fields if PERSONAL.search(name)}
    personal.discard("contact_given")  # a yes or no
    assert {(message.__name__, name) for name in personal} <= OF_NO_PERSON


@EVERY_MESSAGE
def test_no_id_recurs_across_events(message: type[Message]) -> None:
    """A registration's fact carries no id but of itself, its event, its count and a group's."""
    if message.topic == "andan.events.registration.v1":
        ids = {name for name in message.model_fields if name.endswith("_id")}
        assert ids <= {"event_id", "registration_id", "count_id", "group_organisation_id"}
