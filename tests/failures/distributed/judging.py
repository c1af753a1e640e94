"""Judging a distributed house at rest: its answers, its databases and its topics together."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import services.topology
from services.gateway.feed.view import SHOWN
from services.reporting.rules import HEARD
from shared.messaging.subscription import Subscription
from tests.failures.checkers import (
    Held,
    copies_agree,
    each_acknowledged_once,
    each_effect_has_a_cause,
    each_is_published,
    each_was_taken,
    first_seen,
    in_order_of_commits,
    one_effect_per_intent,
    one_effect_per_message,
    one_partition_per_key,
    revisions_rise,
    state_is_as_told,
)
from tests.failures.distributed.stores import Said, Stores
from tests.failures.distributed.topics import Record
from tests.failures.distributed.traffic import ORGANISE
from tests.failures.distributed.verdict import Verdict
from tests.failures.platform_campaign import BOOK, REGISTER, Seen, Traffic, judged
from tests.journeys.house import House

REGISTRATIONS = "andan.events.registration.v1"
BOOKINGS = "andan.booking.booking.v1"
STATES = ("confirmed", "waitlisted", "cancelled", "requested", "rejected")
LETTERS = (
    (REGISTRATIONS, ("confirmed", "waitlisted", "cancelled")),
    (BOOKINGS, ("confirmed",)),
)
"""Which facts are told by a letter each."""


@dataclass(frozen=True)
class Scene:
    """A house at rest: who can be asked, and what was read of its topics."""

    house: House
    stores: Stores
    records: Sequence[Record]


def subscriptions() -> list[Subscription]:
    """Return every subscription of every service but the ledgers, which are told anew at starts."""
    assert services.topology.SERVICES
    found = {
        each.group: each
        for name, module in list(sys.modules.items())
        if name.startswith("services.")
        for each in vars(module).values()
        if isinstance(each, Subscription) and not each.is_ledger
    }
    return [found[group] for group in sorted(found)]


async def judge_answers(verdict: Verdict, scene: Scene, traffic: Traffic, seen: Seen) -> None:
    """What clients were told and what the house shows: nothing lost, doubled, passed over."""
    facts, left = await scene.stores.told(), await scene.stores.unsettled()
    history = traffic.history
    asked = len(history.ok(REGISTER)) + len(history.ok(BOOK))
    verdict.judge("I5 I9 I11", asked, judged(traffic, seen, facts, left))
    verdict.judge("I1", len(seen.bookings), [])
    verdict.judge("I3 I4", sum(map(len, facts.values())), [])
    verdict.judge("I14", sum(seen.letters.values()), [])
    rows = await scene.house.admin.every("/v1/organisations")
    held = [Held(each["id"], each["name"]) for each in rows]
    ours = [each for each in held if each.id != traffic.scenery.organisation]
    for found in (
        each_acknowledged_once(history, ORGANISE, ours),
        each_effect_has_a_cause(history, ORGANISE, ours),
        one_effect_per_intent(history, ORGANISE, ours),
    ):
        verdict.judge("I5 I9", len(ours), found)


async def judge_bus(verdict: Verdict, scene: Scene) -> list[Said]:
    """What was committed is in the topics, in its order; nothing is there that was not."""
    committed = await scene.stores.committed()
    records = scene.records
    ids = [each.id for each in committed]
    verdict.judge("I7 I11", len(ids), each_is_published(ids, [each.said.id for each in records]))
    places = [(each.said.line, each.partition) for each in records]
    verdict.judge("I10", len(records), one_partition_per_key(places))
    seen = {line: first_seen(found) for line, found in by_line(each.said for each in records)}
    told = dict(by_line(committed))
    verdict.judge("I10", len(records), in_order_of_commits(_named(told), _named(seen)))
    revised = [
        (f"{each.topic} {each.subject}", each.sequence)
        for each in committed
        if each.sequence is not None
    ]
    verdict.judge("I10", len(revised), revisions_rise(revised))
    return committed


async def judge_effects(verdict: Verdict, scene: Scene, committed: Sequence[Said]) -> None:
    """Each message has its one effect in every consumer, and states are as they were told."""
    stores = scene.stores
    taken = await stores.taken()
    for each in subscriptions():
        meant = [said.id for said in committed if said.type in each.handlers]
        verdict.judge("I8", len(meant), each_was_taken(each.group, meant, taken[each.group]))
    for service, table, topic in (
        ("events", "registration", REGISTRATIONS),
        ("booking", "booking", BOOKINGS),
    ):
        states = await stores.states(service, table)
        last = {each.subject: fact(each) for each in of(committed, topic, STATES)}
        verdict.judge("I6", len(states), state_is_as_told(states, last))
    await _judge_letters(verdict, stores, committed)
    await _judge_facts(verdict, stores, committed)
    await _judge_feed(verdict, stores, committed)
    await _judge_copies(verdict, stores)


async def _judge_letters(verdict: Verdict, stores: Stores, committed: Sequence[Said]) -> None:
    meant = {each.id for topic, facts in LETTERS for each in of(committed, topic, facts)}
    rows = await stores.rows("notifications", "SELECT message_id FROM delivery")
    found = [id_ for (id_,) in rows if id_ in meant]
    verdict.judge("I8 I14", len(meant), one_effect_per_message(meant, found))


async def _judge_facts(verdict: Verdict, stores: Stores, committed: Sequence[Said]) -> None:
    heard = {each.type for each in HEARD}
    meant = [each.id for each in committed if each.type in heard]
    rows = await stores.rows("reporting", "SELECT message_id FROM fact")
    verdict.judge("I8", len(meant), one_effect_per_message(meant, [id_ for (id_,) in rows]))


async def _judge_feed(verdict: Verdict, stores: Stores, committed: Sequence[Said]) -> None:
    """The feed stands in the order in which its consumer heard: per key that of the commits."""
    known = {each.id: each for each in committed if each.topic in (REGISTRATIONS, BOOKINGS)}
    rows = await stores.rows("gateway", "SELECT message_id FROM feed ORDER BY position")
    shown = [known[id_] for (id_,) in rows if id_ in known]
    meant = [each.id for each in known.values() if each.type in SHOWN]
    verdict.judge("I8", len(meant), one_effect_per_message(meant, [each.id for each in shown]))
    told, seen = dict(by_line(known.values())), dict(by_line(shown))
    verdict.judge("I10", len(shown), in_order_of_commits(_named(told), _named(seen)))


async def _judge_copies(verdict: Verdict, stores: Stores) -> None:
    rows = await stores.rows("directory", "SELECT id, revision, name FROM organisation")
    revisions = {id_: revision for id_, revision, _ in rows}
    names = {id_: name for id_, _, name in rows}
    of_booking = dict(await stores.rows("booking", "SELECT id, revision FROM known_organisation"))
    of_events = dict(await stores.rows("events", "SELECT id, name FROM organisation"))
    verdict.judge("I12", len(rows), copies_agree("booking's copy", revisions, of_booking))
    verdict.judge("I12", len(rows), copies_agree("events' copy", names, of_events))


def fact(said: Said) -> str:
    """Return the last word of a message's type: what happened."""
    return said.type.removesuffix(".v1").rsplit(".", 1)[1]


def of(messages: Iterable[Said], topic: str, facts: Sequence[str]) -> list[Said]:
    """Return the messages of a topic that say one of these things."""
    return [each for each in messages if each.topic == topic and fact(each) in facts]


def by_line(messages: Iterable[Said]) -> Iterable[tuple[tuple[str, str], list[str]]]:
    """Return the ids of the messages by topic and key, in their order."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in messages:
        found[each.line].append(each.id)
    return found.items()


def _named(lines: dict[tuple[str, str], list[str]]) -> dict[str, list[str]]:
    return {f"{topic} {key}": ids for (topic, key), ids in lines.items()}
