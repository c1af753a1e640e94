"""What a service hears: which messages, in which group, and whether it projects or acts."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.topics import Topic, dead_letter_topic
from shared.observability.correlation import causation_id, continue_trace, traceparent
from shared.observability.tracing import Step
from shared.store.work import Work

M = TypeVar("M", bound=Message)
Handler = Callable[[Work, Any], Awaitable[None]]

_received: ContextVar[Envelope] = ContextVar("received")


class NotYet(Exception):
    """Something that this message needs has not come yet

    Raised by a handler: the message waits in the consumer's store and is handled again when a
    message with `key` arrives on `topic` for the same subscription. Later messages of its topic and
    subject queue behind it. Raise it before anything is written.
    """

    def __init__(self, topic: str, key: str) -> None:
        super().__init__(f"waits for {key} on {topic}")
        self.topic = topic
        self.key = key


class DependencyDown(Exception):
    """Something that the handler depends on is away

    The consumer waits and tries again without end; nothing is parked.
    """


def received() -> Envelope:
    """Return the envelope of the message that is being handled."""
    return _received.get()


@contextmanager
def correlated(
    envelope: Envelope, step: Step | None = None, *, untraced: bool = False
) -> Iterator[None]:
    """Let what is done meanwhile know the message it is done for: `received`, logs, traces.

    `step` is the span of the handling, where it has one.
    """
    token = _received.set(envelope)
    cause = causation_id.set(envelope.id)
    trace = traceparent.set(None if untraced else _carried_on(envelope, step))
    try:
        yield
    finally:
        traceparent.reset(trace)
        causation_id.reset(cause)
        _received.reset(token)


def _carried_on(envelope: Envelope, step: Step | None) -> str | None:
    if step is not None:
        return step.traceparent
    return str(continue_trace(envelope.traceparent)) if envelope.traceparent else None


@dataclass
class Subscription:
    """One consumer group of a service and the handlers of the messages it takes.

    `within` is None for one that projects (it reads from the beginning and may be rebuilt). One
    that acts takes nothing from before its store was made, and nothing older than `within`.
    One that `is_ledger` projects, and is told everything again at every start: until it has heard
    it all, its service sends nothing, does nothing that is due, and is not ready.
    """

    service: str
    purpose: str
    within: timedelta | None = None
    is_ledger: bool = False
    handlers: dict[str, Handler] = field(default_factory=dict)
    messages: dict[str, type[Message]] = field(default_factory=dict)
    gather_seconds: float = 0
    """Batches follow one another no faster than this (but in replay): what comes meanwhile is one
    transaction instead of many."""
    untraced: bool = False
    """What it does carries no trace on: it would tie together what must not be."""

    @property
    def group(self) -> str:
        """The Kafka group id, unique per subscription."""
        return f"andan.{self.service}.{self.purpose}"

    @property
    def acts(self) -> bool:
        """Whether handling has effects outside of the store."""
        return self.within is not None

    @property
    def topics(self) -> list[str]:
        """The topics it reads, sorted."""
        return sorted({message.topic for message in self.messages.values()})

    @property
    def dead_letters(self) -> Topic:
        """The topic that its parked messages go to."""
        return dead_letter_topic(self.service, self.purpose)

    def on(
        self, *messages: type[M]
    ) -> Callable[[Callable[[Work, M], Awaitable[None]]], Callable[[Work, M], Awaitable[None]]]:
        """Declare the decorated function the handler of these messages.

        It runs in one unit of work with the inbox row of the message; what it publishes is caused
        by that message. It may run again after a failure, and must not commit.
        """

        def declare(
            handler: Callable[[Work, M], Awaitable[None]],
        ) -> Callable[[Work, M], Awaitable[None]]:
            for message in messages:
                if message.type in self.handlers:
                    raise ValueError(f"{self.group} handles {message.type} twice")
                self.handlers[message.type] = handler
                self.messages[message.type] = message
            return handler

        return declare


def acts(*, service: str, purpose: str, within: timedelta, untraced: bool = False) -> Subscription:
    """Declare a subscription whose handlers have effects: see Subscription."""
    return Subscription(service, purpose, within, untraced=untraced)


def projects(
    *, service: str, purpose: str, gather_seconds: float = 0, untraced: bool = False
) -> Subscription:
    """Declare a subscription that only keeps what it hears: see Subscription."""
    return Subscription(service, purpose, gather_seconds=gather_seconds, untraced=untraced)


def keeps_ledger(*, service: str, purpose: str) -> Subscription:
    """Declare a subscription that holds whatever its store is restored to: see Subscription."""
    return Subscription(service, purpose, is_ledger=True)
