"""The toys' published language."""

from dataclasses import replace
from typing import ClassVar

from shared.contracts.message import Message
from shared.contracts.topics import Topic

_SHELF = Topic("andan.toy.shelf.v1", "shelf", "places taken", "a test", partitions=3)
_NAME = Topic("andan.toy.name.v1", "loan", "names of loans", "a test", partitions=3)


class PlaceTaken(Message):
    """Somebody took a place on a shelf"""

    topic: ClassVar[str] = _SHELF.name
    type: ClassVar[str] = "se.andan.toy.shelf.taken.v1"
    keyed_by: ClassVar[str] = "shelf_id"
    about: ClassVar[str] = "loan_id"

    shelf_id: str
    loan_id: str
    place: int
    mood: str = "good"


class NameGiven(Message):
    """The name that belongs to a loan, told on a topic of its own"""

    topic: ClassVar[str] = _NAME.name
    type: ClassVar[str] = "se.andan.toy.name.given.v1"
    keyed_by: ClassVar[str] = "loan_id"
    about: ClassVar[str] = "loan_id"

    loan_id: str
    name: str


def topics() -> list[Topic]:
    """Return the topics of the toys' messages."""
    return [replace(_SHELF, name=PlaceTaken.topic), replace(_NAME, name=NameGiven.topic)]


def use_topics_of_their_own(suffix: str) -> None:
    """Let the messages go to topics that nobody else uses: a Kafka serves many tests."""
    PlaceTaken.topic = f"{_SHELF.name}-{suffix}"
    NameGiven.topic = f"{_NAME.name}-{suffix}"
