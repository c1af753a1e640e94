"""Only the unit of work commits, and nothing leaves a service but through its outbox."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, product

MAY_COMMIT = (
    "shared/store/",  # the unit of work, migrations, leases
    "shared/messaging/embedded/",  # offsets of the log and the log's own file
    "shared/messaging/broker.py",  # offsets of a group that is rewound
    "shared/messaging/kafka_topics.py",  # the same on Kafka
    "shared/messaging/positions.py",  # and set back after a restore
    "shared/http/work.py",  # ends the unit of work before the response is sent
    "shared/testing/",
)
MAY_SEND = (
    "shared/store/",
    "shared/messaging/",  # the relay, the dead letters and the broker itself
    "shared/testing/",
)
SENDING = {"publish", "publish_batch", "send_and_wait", "request"}


def commits(source: Source) -> Iterator[str]:
    """A use case that commits half-way leaves its registration without its confirmation.

    A process that dies on the line after such a commit never writes the outbox row that should have
    followed. And a framework that committed after the response gave a 201 for what then failed.
    So neither `.commit()` nor `.begin()`, which commits at its end, is anybody's but the store's,
    and no handler ends the unit of work that it was given.
    """
    if source.within(*MAY_COMMIT):
        return
    for call in source.calls():
        if not isinstance(call.func, ast.Attribute):
            continue
        is_work = dotted(call.func.value).rpartition(".")[2] == "work"
        if call.func.attr in {"commit", "begin"} or (
            is_work and call.func.attr in {"finish", "abandon", "rollback", "close"}
        ):
            yield f"{source.at(call)}: {dotted(call.func)}()"


def publishes(source: Source) -> Iterator[str]:
    """A message sent from inside a transaction tells of something that may be rolled back.

    And one sent after the commit is lost with the process. Well-known example systems do both,
    and tell of orders that never were, or never tell of those that are. So the one way out is
    `work.publish(...)`.
    """
    if source.within(*MAY_SEND):
        return
    for call in source.calls():
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in SENDING:
            continue
        receiver = dotted(call.func.value)
        if call.func.attr == "publish" and receiver.rpartition(".")[2] == "work":
            continue
        if call.func.attr == "request" and "broker" not in receiver:
            continue  # an HTTP client's
        yield f"{source.at(call)}: {dotted(call.func)}()"


def test_only_the_unit_of_work_commits() -> None:
    """No file outside of the store ends a transaction."""
    assert [found for source in product() for found in commits(source)] == []


def test_nothing_is_published_but_through_the_outbox() -> None:
    """No file outside of shared/messaging sends to the bus."""
    assert [found for source in product() for found in publishes(source)] == []


@pytest.mark.parametrize(
    "line",
    [
        "await work.commit()",
        "session.commit()",
        "async with engine.begin(): pass",
        "await work.finish()",
    ],
)
def test_a_planted_commit_is_found(line: str) -> None:
    """A handler that commits is reported with its line."""
    planted = Source("services/booking/handlers.py", f"async def book(work):\n    {line}\n")
    assert [found.partition(": ")[0] for found in commits(planted)] == [
        "services/booking/handlers.py:2"
    ]
    assert list(commits(Source("shared/store/work.py", planted.text))) == []


@pytest.mark.parametrize(
    "line",
    [
        "await broker.publish(x)",
        "self.broker.publish_batch(x)",
        "await producer.send_and_wait('t', b'')",
        "get().publish(x)",
        "await broker.request(x)",
    ],
)
def test_a_planted_publish_is_found(line: str) -> None:
    """A handler that speaks to the broker is reported."""
    planted = Source("services/booking/handlers.py", f"async def book(work):\n    {line}\n")
    assert len(list(publishes(planted))) == 1


@pytest.mark.parametrize("line", ["work.publish(x)", "self.work.publish(x)", "client.request(x)"])
def test_the_outbox_may_be_used(line: str) -> None:
    """Publishing into the transaction is what everybody does."""
    assert list(publishes(Source("services/booking/handlers.py", line))) == []
