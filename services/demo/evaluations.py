"""What people thought: answered through the link in each one's mail, quoted where they let it."""

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from services.demo.attendance import Crowd
from services.demo.cells import MOMENTS, days
from services.demo.people import Person
from services.demo.programme import FACTS, YEAR, Planned
from services.demo.registrations import once, without_mail
from services.demo.step import BALLOT, PUBLIC, Step, wall

EVALUATOR: Final = "key/evaluator"
ANSWERED_WITHIN_DAYS: Final = 9
CLOSED_AFTER_DAYS: Final = 15
"""A survey closes by itself after two weeks; the day after, its quotes are looked at."""
QUOTED: Final = dict(
    zip(
        ("malmotimmen-jamlik-halsa", "malmotimmen-hat-och-hot", "dialogforum-jamlik-halsa"),
        FACTS["participant_quotes_sv"],
        strict=True,
    )
)
"""The source does not say who said what after which event: these three are made up to be so."""


def evaluations(
    rng: random.Random, events: Iterable[Planned], crowds: Mapping[str, Crowd]
) -> Iterator[Step]:
    """Yield the answers to the survey of each event, and the quotes out of them."""
    only_here = once(crowds)
    for event in events:
        crowd = crowds[event.slug]
        mute = without_mail(event, crowd, only_here)
        who = rng.sample([each for each in crowd.came if each not in mute], sum(event.ratings))
        if who:
            yield from _answers(rng, event, who)
        if event.is_course:
            yield from _close_by_hand(event)


def close_the_year(event: Planned) -> Iterator[Step]:
    """Yield the closing of the year, in the evening of the day on which its last event closed."""
    yield Step(
        _morning_after(event) + timedelta(hours=8),
        EVALUATOR,
        "POST",
        f"/v1/years/{YEAR}/closing",
        answer={"year": YEAR, "status": "closed"},
    )


def _answers(rng: random.Random, event: Planned, who: list[Person]) -> Iterator[Step]:
    opened = _morning_after(event).date()
    moments = [
        wall(day, moment)
        for day in days(opened + timedelta(days=1), opened + timedelta(days=ANSWERED_WITHIN_DAYS))
        for moment in MOMENTS
    ]
    yield _find_survey(event, moments[0])
    ratings = [rating for rating, people in enumerate(event.ratings, 1) for _ in range(people)]
    rng.shuffle(ratings)
    for person, rating in zip(who, ratings, strict=True):
        at = rng.choice(moments)
        yield _post(event, person, at, "answers", {"rating": rating})
        if event.slug in QUOTED and person is who[0]:
            words = {"text": QUOTED[event.slug], "may_quote": True}
            yield _post(event, person, at, "words", words)
    if event.slug in QUOTED:
        yield from _approve(event, wall(opened + timedelta(days=CLOSED_AFTER_DAYS), MOMENTS[1]))


def _post(event: Planned, person: Person, at: datetime, what: str, body: dict[str, object]) -> Step:
    return Step(
        at,
        PUBLIC,
        "POST",
        f"/v1/surveys/{{survey/{event.slug}}}/{what}",
        {"ballot": f"{{{BALLOT}{event.slug}/{person.email}}}", **body},
        204,
    )


def _approve(event: Planned, at: datetime) -> Iterator[Step]:
    name, lane = f"quote/{event.slug}", f"quotes/{event.slug}"
    path = "/v1/quotes?status=proposed"
    yield Step(at, EVALUATOR, "GET", path, takes={name: "items.0.id"}, lane=lane)
    path = f"/v1/quotes/{{{name}}}/approval"
    body = {"names_event": False}  # which it was is made up
    yield Step(at, EVALUATOR, "POST", path, body, answer={"status": "approved"}, lane=lane)


def _close_by_hand(event: Planned) -> Iterator[Step]:
    at = _morning_after(event) + timedelta(hours=4)
    yield _find_survey(event, at)
    path = f"/v1/surveys/{{survey/{event.slug}}}/closing"
    yield Step(at, EVALUATOR, "POST", path, answer={"status": "closed"})


def _find_survey(event: Planned, at: datetime) -> Step:
    path = f"/v1/surveys?event_id={{event/{event.slug}}}"
    return Step(at, PUBLIC, "GET", path, takes={f"survey/{event.slug}": "items.0.id"})


def _morning_after(event: Planned) -> datetime:
    return wall(event.last_day + timedelta(days=1), MOMENTS[0])
