"""The requests of those who take part: asked for, confirmed, waited for, given back, attended."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.demo.attendance import Crowd
from services.demo.bookings import moment_after
from services.demo.cells import MOMENTS, days
from services.demo.events import COORDINATOR, DOOR
from services.demo.house import ORGANISATIONS
from services.demo.people import Person, address
from services.demo.programme import APPLY_UNTIL, SELECTED_ON, Planned
from services.demo.step import BY_MAIL, PUBLIC, Step, wall

CLERK: Final = "key/clerk"
BY_PHONE: Final = 20
"""From this size on, one of those who came to an event has no mail and was registered by phone."""
REGISTERED_BY: Final = 0.7
IN_LINE_BY: Final = 0.85
"""Which parts of the time before an event go by until all have registered, and wait in line."""


def once(crowds: Mapping[str, Crowd]) -> frozenset[Person]:
    """Return who came to one event only: nothing else is ever mailed to them."""
    came = Counter(person for crowd in crowds.values() for person in crowd.came)
    return frozenset(person for person, times in came.items() if times == 1)


def without_mail(event: Planned, crowd: Crowd, only_here: frozenset[Person]) -> frozenset[Person]:
    """Return who of the crowd was registered by phone: at most one, at an event of some size."""
    if len(crowd.came) <= BY_PHONE:
        return frozenset()
    at_once = crowd.came[: len(crowd.came) - len(crowd.promoted)]
    single = [person for person in at_once if person in only_here]
    return frozenset(single[event.filling.asked : event.filling.asked + 1])


class Desk:
    """Where people register for one event: each gets a moment, in the order of the crowd."""

    def __init__(
        self, rng: random.Random, event: Planned, crowd: Crowd, only_here: frozenset[Person]
    ) -> None:
        self._rng = rng
        self._event = event
        self._crowd = crowd
        self._at_once = crowd.came[: len(crowd.came) - len(crowd.promoted)]
        single = [person for person in self._at_once if person in only_here]
        asked = event.filling.asked
        self._by_form = frozenset([*single[:asked], *(crowd.cancelled[:1] if asked > 1 else ())])
        self._by_phone = without_mail(event, crowd, only_here)

    def steps(self) -> Iterator[Step]:
        """Yield everything about the registrations of the event."""
        moments = self._moments()
        first = [*self._at_once, *self._crowd.missed, *self._crowd.cancelled]
        first += self._crowd.not_selected
        self._rng.shuffle(first)
        upto, line_upto = int(len(moments) * REGISTERED_BY), int(len(moments) * IN_LINE_BY)
        yield from self._groups(moments[0])
        early = moments[1:upto]
        for person, at in zip(first, self._in_order(early, len(first)), strict=True):
            yield from self._register(person, at)
        line = [*self._crowd.promoted, *self._crowd.waited]
        late = self._in_order(moments[upto:line_upto], len(line))
        for position, (person, at) in enumerate(zip(line, late, strict=True), 1):
            answer = {"status": "waitlisted", "position": position}
            yield self._at_the_desk(person, at, answer)
        for person in self._crowd.cancelled:
            yield self._cancel(person, self._rng.choice(moments[line_upto:]))
        if self._event.is_course:
            yield from self._select()
        yield from self._attend()

    def _moments(self) -> list[datetime]:
        event = self._event
        last = APPLY_UNTIL if event.is_course else event.filling.day
        open_ = days(event.published_on + timedelta(days=1), last - timedelta(days=1))
        return [wall(day, moment) for day in open_ for moment in MOMENTS]

    def _in_order(self, moments: Sequence[datetime], number: int) -> list[datetime]:
        return sorted(self._rng.choice(moments) for _ in range(number))

    def _register(self, person: Person, at: datetime) -> Iterator[Step]:
        becomes = "applied" if self._event.is_course else "confirmed"
        if person not in self._by_form:
            yield self._at_the_desk(person, at, {"status": becomes})
            return
        asked = self._at_the_desk(person, _moment_before(at), {"status": "pending"})
        yield replace(asked, key=PUBLIC)
        yield Step(
            at,
            BY_MAIL + person.email,
            "POST",
            f"{self._path(person)}/confirmation",
            answer={"status": becomes},
            lane=self._event.slug,
        )

    def _at_the_desk(self, person: Person, at: datetime, answer: dict[str, Any]) -> Step:
        body: dict[str, Any] = {
            "name": person.name,
            "contact": {"email": person.email},
            "sector": person.sector,
            "language": person.language,
        }
        if person in self._by_phone:
            del body["contact"]
        return self._registered(self._name(person), body, at, answer)

    def _groups(self, at: datetime) -> Iterator[Step]:
        for heads in self._event.filling.heads:
            if heads.how != "group":
                continue
            assert heads.organisation is not None
            name = next(each.name for each in ORGANISATIONS if each.slug == heads.organisation)
            body = {
                "name": name,
                "contact": {"email": address(heads.organisation)},
                "language": "sv",
                "group": {
                    "people": heads.people,
                    "organisation_id": f"{{organisation/{heads.organisation}}}",
                },
                **({"sector": heads.sector} if heads.sector else {}),
            }
            yield self._registered(self._group_name(), body, at, {"status": "confirmed"})

    def _registered(
        self, name: str, body: dict[str, Any], at: datetime, answer: dict[str, Any]
    ) -> Step:
        return Step(
            at,
            CLERK,
            "POST",
            f"/v1/events/{{event/{self._event.slug}}}/registrations",
            body,
            201,
            answer=answer,
            takes={name: "id"},
            lane=self._event.slug,
        )

    def _cancel(self, person: Person, at: datetime) -> Step:
        return Step(
            at,
            BY_MAIL + person.email if person in self._by_form else CLERK,
            "POST",
            f"{self._path(person)}/cancellation",
            answer={"status": "cancelled"},
            lane=self._event.slug,
        )

    def _select(self) -> Iterator[Step]:
        for person in (*self._crowd.came, *self._crowd.not_selected):
            selected = person in self._crowd.came
            yield Step(
                wall(SELECTED_ON, MOMENTS[1]),
                COORDINATOR,
                "POST",
                f"{self._path(person)}/selection",
                {"selected": selected},
                answer={"status": "confirmed" if selected else "declined"},
                lane=self._event.slug,
            )

    def _attend(self) -> Iterator[Step]:
        for person in self._crowd.came:
            yield self._mark(self._name(person), attended=True)
        for person in self._crowd.missed[::2]:  # who was not marked is counted at the closing
            yield self._mark(self._name(person), attended=False)
        if any(heads.how == "group" for heads in self._event.filling.heads):
            yield self._mark(self._group_name(), attended=True)

    def _mark(self, name: str, *, attended: bool) -> Step:
        return Step(
            self._event.looked_in,
            DOOR,
            "POST",
            f"/v1/registrations/{{{name}}}/attendance",
            {"attended": attended},
            answer={"status": "attended" if attended else "no-show"},
        )

    def _path(self, person: Person) -> str:
        return f"/v1/registrations/{{{self._name(person)}}}"

    def _name(self, person: Person) -> str:
        return f"registration/{self._event.slug}/{person.email}"

    def _group_name(self) -> str:
        return f"registration/{self._event.slug}/group"


def registrations(
    rng: random.Random, events: Iterable[Planned], crowds: Mapping[str, Crowd]
) -> Iterator[Step]:
    """Yield the registrations of all events."""
    only_here = once(crowds)
    for event in events:
        yield from Desk(rng, event, crowds[event.slug], only_here).steps()


def _moment_before(at: datetime) -> datetime:
    """Return the last moment of the demo before one of its moments."""
    earlier = at - timedelta(hours=25)
    while (following := moment_after(earlier)) < at:
        earlier = following
    return earlier
