"""The line against a model so simple that it can be believed, on the real store."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from services.events.app import PARTS
from services.events.contacts import Contacts
from services.events.handlers.cancellations import CancelRegistration, cancel_registration
from services.events.handlers.events import (
    DraftEvent,
    change_event,
    draft_event,
    lock_event,
    open_to_public,
)
from services.events.handlers.registrations import Register, position, register
from services.events.models import places, registration
from services.events.persons import Persons
from services.events.rules.places import EventFull, GroupTooLarge
from services.events.schemas.programme import NewEvent, values_of
from shared.clock import ReplayClock
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.store import Store
from tests.events.scene import START, event_body


@dataclass
class Entry:
    """What the model knows of a registration."""

    id: str
    people: int
    status: str


class Line(RuleBasedStateMachine):
    """Joins, cancels, raises and lowers; the model walks the whole line after every step."""

    def __init__(self, runner: asyncio.Runner, store: Store) -> None:
        super().__init__()
        self.runner = runner
        self.store = store
        self.capacity = 0
        self.has_line = True
        self.entries: list[Entry] = []
        self.number = 0

    @initialize(capacity=st.integers(3, 6), has_line=st.sampled_from([True, True, False]))
    def publish(self, capacity: int, has_line: bool) -> None:
        """Begin with an empty, published event."""
        self.capacity, self.has_line = capacity, has_line
        body = NewEvent.model_validate(event_body(capacity=capacity, waiting_list=has_line))

        async def go() -> str:
            async with self.store.work() as work:
                event = await draft_event(work, DraftEvent(values_of(body)))
            async with self.store.work() as work:
                await open_to_public(work, await lock_event(work, event.id))
            return event.id

        self.event_id = self.runner.run(go())

    @rule()
    def join(self) -> None:
        """Somebody comes."""
        self.come(1, is_group=False)

    @rule(people=st.sampled_from([3, 2, 4, 1]))
    def join_together(self, people: int) -> None:
        """A group comes."""
        self.come(people, is_group=True)

    def come(self, people: int, *, is_group: bool) -> None:
        """Register, and see what became of it."""
        self.number += 1
        command = Register(
            event_id=self.event_id,
            name=f"P {self.number}",
            email=f"p{self.number}@example.org",
            language="sv",
            people=people,
            is_group=is_group,
        )

        async def go() -> Any:
            async with self.store.work() as work:
                return await register(work, command)

        fits = not self.waiting() and self.taken() + people <= self.capacity
        if people > self.capacity:
            with pytest.raises(GroupTooLarge):
                self.runner.run(go())
            return
        if not fits and not self.has_line:
            with pytest.raises(EventFull):
                self.runner.run(go())
            return
        done = self.runner.run(go())
        self.entries.append(Entry(done.id, people, "confirmed" if fits else "waitlisted"))
        self.walk()
        assert done.status == self.entries[-1].status

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Somebody gives back a place, or a place in line."""
        entry = data.draw(st.sampled_from(self.entries))

        async def go() -> None:
            async with self.store.work() as work:
                command = CancelRegistration(entry.id, "by-staff")
                await cancel_registration(work, command)

        self.runner.run(go())
        self.entries.remove(entry)
        self.walk()

    @rule(capacity=st.sampled_from([6, 5, 7, 2, 1, 8]))
    def resize(self, capacity: int) -> None:
        """The capacity is raised or lowered."""

        async def go() -> None:
            async with self.store.work() as work:
                event = await lock_event(work, self.event_id)
                await change_event(work, event, {"capacity": capacity})

        self.runner.run(go())
        self.capacity = capacity
        self.walk()

    def taken(self) -> int:
        return sum(each.people for each in self.entries if each.status == "confirmed")

    def waiting(self) -> list[Entry]:
        return [each for each in self.entries if each.status == "waitlisted"]

    def walk(self) -> None:
        """Give free places in order; only who can never fit is passed over."""
        for entry in self.waiting():
            if entry.people > self.capacity:
                continue
            if self.taken() + entry.people > self.capacity:
                break
            entry.status = "confirmed"

    @invariant()
    def the_store_agrees(self) -> None:
        """Statuses, counters and places in line are those of the model."""
        if not hasattr(self, "event_id"):
            return

        async def look() -> tuple[Any, dict[str, str], list[int | None]]:
            async with self.store.work() as work:
                mine = select(places).where(places.c.event_id == self.event_id)
                counts = (await work.execute(mine)).one()
                all_of_them = registration.c.event_id == self.event_id
                rows = (await work.execute(select(registration).where(all_of_them))).all()
                live = {row.id: row for row in rows if row.status != "cancelled"}
                line = [await position(work, live[each.id]) for each in self.waiting()]
            return counts, {id_: row.status for id_, row in live.items()}, line

        counts, statuses, line = self.runner.run(look())
        assert statuses == {each.id: each.status for each in self.entries}
        assert (counts.capacity, counts.taken) == (self.capacity, self.taken())
        assert counts.ceiling == max(counts.capacity, counts.taken)
        assert counts.waiting == len(self.waiting())
        assert line == list(range(1, len(self.waiting()) + 1))


def test_the_line_is_that_of_the_model(tmp_path: Path) -> None:
    """Whatever order they come, go and resize in, the store and the model agree at every step."""
    keyring = Keyring.open(tmp_path / "keys")
    store = Store(
        f"sqlite:///{tmp_path}/events.sqlite",
        service="events",
        source="https://test.example",
        clock=ReplayClock(START),
        migrations=PARTS.migrations,
        durable=False,
    )
    contacts = Contacts(keyring.sealer(), keyring.links(), "https://test.example")
    store.provide(Metrics(with_process=False), contacts, Persons(keyring))
    with asyncio.Runner() as runner:
        runner.run(store.open())
        try:
            run_state_machine_as_test(lambda: Line(runner, store))  # type: ignore[arg-type]  # any factory will do
        finally:
            runner.run(store.close())
