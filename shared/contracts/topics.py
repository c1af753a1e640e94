"""The one list of topics: what each carries, under which key, how long it is kept and why."""

from dataclasses import dataclass
from datetime import timedelta

_A_WEEK = "Letters can still be written after days of outage; then addresses expire by themselves."
_A_LEDGER = "Whoever was erased stays erased, whatever is replayed or restored, however late."
_FOR_THE_YEAR = "A year can be told, corrected and rebuilt from it long after it closed."


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as every bus must have it before anything starts."""

    name: str
    key: str
    """What a message's key is, in a word: order holds per key."""
    carries: str
    reason: str
    """Why it is kept so long."""
    retention: timedelta | None = None
    """None keeps it for ever."""
    partitions: int = 6
    compacted: bool = False
    sealed: bool = False
    """Bodies are JWE that only one consumer can open."""
    public: bool = True
    """May appear, in its public view, in the feed of the gateway."""

    def __post_init__(self) -> None:
        if self.sealed and (self.public or self.retention is None):
            raise ValueError(f"{self.name} is sealed: it needs a retention and is never public.")


_ALL = (
    Topic(
        name="andan.directory.organisation.v1",
        key="organisation",
        carries="registered, changed, residency began and ended, dissolved",
        reason="Whoever was resident in a year can be told later.",
    ),
    Topic(
        name="andan.booking.room.v1",
        key="room",
        carries="opened, changed, retired, each with the day it holds from",
        reason="How many rooms a year had can be told later.",
    ),
    Topic(
        name="andan.booking.booking.v1",
        key="booking",
        carries="requested, confirmed, rejected, moved, cancelled, checked in, no-show",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.booking.visit.v1",
        key="venue",
        carries="visits counted and corrected, a venue and a day each",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.booking.contact.v1",
        key="booking",
        carries="name and address of a booking's contact, sealed for notifications",
        reason=_A_WEEK,
        retention=timedelta(days=7),
        sealed=True,
        public=False,
    ),
    Topic(
        name="andan.events.programme.v1",
        key="year",
        carries="themes decided, people counted",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.events.event.v1",
        key="event",
        carries="published, changed, rescheduled, cancelled, partners, materials, room requests",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.events.registration.v1",
        key="event",
        carries="each step of a registration, heads counted, attendance closed; no person's id",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.events.contact.v1",
        key="registration",
        carries="name and address of a registration, sealed for notifications",
        reason=_A_WEEK,
        retention=timedelta(days=7),
        sealed=True,
        public=False,
    ),
    Topic(
        name="andan.surveys.survey.v1",
        key="survey",
        carries="opened, closed, result released; nothing of a single answer",
        reason=_FOR_THE_YEAR,
    ),
    Topic(
        name="andan.surveys.ballot.v1",
        key="survey",
        carries="ballots of a survey, sealed for notifications",
        reason=_A_WEEK,
        retention=timedelta(days=7),
        sealed=True,
        public=False,
    ),
    Topic(
        name="andan.surveys.quote.v1",
        key="quote",
        carries="quotes approved; a tombstone withdraws one",
        reason="The words of a quote live until they are withdrawn, and no longer.",
        compacted=True,
    ),
    Topic(
        name="andan.notifications.delivery.v1",
        key="delivery",
        carries="sent, failed, bounced; no address, and no figure rests on it",
        reason="A season, so that an organiser can ask what became of a letter.",
        retention=timedelta(days=90),
    ),
    Topic(
        name="andan.events.erasure.v1",
        key="erasure",
        carries="erasures of registrations, asked for and done, by a keyed hash; counts of rows",
        reason=_A_LEDGER,
        public=False,
    ),
    Topic(
        name="andan.booking.erasure.v1",
        key="erasure",
        carries="erasures of booking contacts, asked for and done, by a keyed hash; counts of rows",
        reason=_A_LEDGER,
        public=False,
    ),
    Topic(
        name="andan.notifications.erasure.v1",
        key="erasure",
        carries="erasures done by notifications, by the keyed hash they were asked for with",
        reason=_A_LEDGER,
        public=False,
    ),
    Topic(
        name="andan.reporting.year.v1",
        key="year",
        carries="figures published and amended, years closed",
        reason="Every published figure and every amendment stays on record.",
    ),
)

TOPICS: dict[str, Topic] = {each.name: each for each in _ALL}
"""Every topic but the dead-letter topics, which follow from the subscriptions."""


def topic(name: str) -> Topic:
    """Return the topic of that name; raises `LookupError` for one that is not declared."""
    try:
        return TOPICS[name]
    except KeyError:
        raise LookupError(f"No topic is called {name}.") from None


def dead_letter_topic(service: str, purpose: str) -> Topic:
    """Return the topic where the consumer `andan.<service>.<purpose>` parks messages."""
    return Topic(
        name=f"andan.{service}.{purpose}.dlq",
        key="as it came",
        carries="messages that could not be handled, with reason, attempts and source topic",
        reason="Two weeks to look at what failed and to replay or drop it.",
        retention=timedelta(days=14),
        public=False,
    )
