"""The life of a survey: opened by the attendance, answered by ballots, closed, released."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select

from services.surveys.box import BallotBoxes
from services.surveys.models import Ballot, SealedWords, Tally, Words
from services.surveys.rules.ballots import derived
from shared.contracts.events import AttendanceClosed, EventCancelled
from shared.contracts.surveys import (
    BallotsMade,
    ResultReleased,
    SurveyClosed,
    SurveyOpened,
)
from shared.store.plumbing import dead_letter
from tests.surveys.scene import EVENT, START, TITLES, Scene

pytestmark = pytest.mark.anyio

MIXED = [1, 2, 3, 3, 4, 4, 4, 5, 5, 5]


async def rows(here: Scene, table: type | Table) -> int:
    """Return how many rows a table has."""
    async with here.it.service.store.read() as reader:
        return int(await reader.scalar(select(func.count()).select_from(table)) or 0)


async def test_it_opens_when_the_attendance_is_closed(here: Scene) -> None:
    """As many ballots as people came, each once, in sealed messages; two hashes of each kept."""
    survey_id = await here.opened(400)
    tokens = await here.tokens(survey_id)
    assert len(set(tokens)) == 400
    assert {token.split(".")[0] for token in tokens} == {survey_id}
    made = await here.it.published(BallotsMade)
    assert [(each.part, each.parts) for each in made] == [(1, 3), (2, 3), (3, 3)]
    [opened] = await here.it.published(SurveyOpened)
    assert (opened.attended, opened.closes_at) == (400, START + timedelta(days=14))
    assert await rows(here, Ballot) == 800
    shown = (await here.anybody.get(f"/v1/surveys/{survey_id}")).json()
    assert (shown["status"], shown["event_titles"]) == ("open", TITLES)
    assert set(shown["question"]["texts"]) == {"sv", "en", "ar"}


async def test_an_event_has_one_survey(here: Scene) -> None:
    """An attendance that is closed again, or told again, opens nothing."""
    await here.opened(5)
    again = AttendanceClosed(event_id=EVENT, year=2023, attended=6)
    await here.hear(again, again)
    listed = (await here.anybody.get("/v1/surveys", params={"event_id": EVENT})).json()
    assert len(listed["items"]) == 1
    assert len(await here.it.published(SurveyOpened)) == 1


@pytest.mark.parametrize("attended", [0, 7])
async def test_what_has_no_survey(sqlite_here: Scene, attended: int) -> None:
    """A cancelled event, and one that nobody came to."""
    if attended:
        await sqlite_here.hear(EventCancelled(event_id=EVENT, year=2023))
    await sqlite_here.hear(AttendanceClosed(event_id=EVENT, year=2023, attended=attended))
    assert await sqlite_here.it.published() == []


async def test_answers_are_told_at_the_close_alone(here: Scene) -> None:
    """Until then no count is seen; then the number, the mean, and bars of five or more."""
    survey_id = await here.answered(MIXED, attended=20)
    shown = (await here.anybody.get(f"/v1/surveys/{survey_id}")).json()
    assert not {"answered", "answers", "attended", "mean", "bars"} & set(shown)
    early = await here.result(survey_id)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/survey-open")
    closed = await here.close(survey_id)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    told = await here.result(survey_id)
    assert told.headers["etag"] == closed.headers["etag"]
    result = told.json()
    assert (result["rule"], result["answered"], result["mean"]) == ("mean", 10, "3.6")
    assert sum(bar["answers"] for bar in result["bars"]) in (0, 10)
    [released] = await here.it.published(ResultReleased)
    assert released.model_dump(mode="json", include=set(result)) == result
    [closing] = await here.it.published(SurveyClosed)
    assert closing.reason == "by-hand"
    assert [await rows(here, each) for each in (Ballot, Tally, SealedWords)] == [0, 0, 0]


async def test_it_closes_by_itself(here: Scene) -> None:
    """After 14 days, with the same release; the close by hand then changes nothing."""
    survey_id = await here.answered(MIXED)
    here.clock.move(START + timedelta(days=14))
    await here.it.quiet()
    [closing] = await here.it.published(SurveyClosed)
    assert closing.reason == "by-time"
    assert (await here.close(survey_id)).status_code == 200
    assert len(await here.it.published(ResultReleased)) == 1


@pytest.mark.parametrize(("answers", "rule"), [(0, "too-few"), (4, "too-few"), (5, "band")])
async def test_small_numbers(sqlite_here: Scene, answers: int, rule: str) -> None:
    """Under five nothing is told, though that there is nothing to tell is; then a band."""
    survey_id = await sqlite_here.answered([4] * answers, attended=9)
    await sqlite_here.close(survey_id)
    [released] = await sqlite_here.it.published(ResultReleased)
    assert (released.rule, released.answered, released.mean) == (rule, None, None)
    answer = await sqlite_here.result(survey_id)
    if rule == "too-few":
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-few-answers")
    else:
        assert (answer.json()["at_least"], answer.json()["at_most"]) == ("4.0", "5.0")
        assert (answer.json()["answered"], answer.json()["bars"]) == (None, [])


async def test_a_ballot_comes_in_three_forms(here: Scene) -> None:
    """The token of the link, its secret, and the derived ballot are the same ballot."""
    survey_id = await here.opened(3)
    one, two, three = await here.tokens(survey_id)
    forms = [one, two.split(".")[1], derived(three.split(".")[1], "rating")]
    for form in forms:
        assert (await here.answer(survey_id, form, 4)).status_code == 204
    for form in (one.split(".")[1], derived(two.split(".")[1], "rating"), three):
        again = await here.answer(survey_id, form, 4)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/ballot-spent")


async def test_rating_and_words_have_a_ballot_each(here: Scene) -> None:
    """The one does not spend the other, and neither does the work of the other."""
    survey_id = await here.opened(2)
    token = (await here.tokens(survey_id))[0]
    secret = token.split(".")[1]
    wrong = await here.write(survey_id, derived(secret, "rating"), "Bra")
    assert wrong.status_code == 404
    assert (await here.answer(survey_id, token, 5)).status_code == 204
    assert (await here.write(survey_id, token, "Bra")).status_code == 204
    assert (await here.write(survey_id, token, "Bra")).status_code == 409


async def test_twins_count_once(here: Scene) -> None:
    """Of posts with one ballot at once exactly one counts; each ballot of many is counted."""
    survey_id = await here.opened(12)
    tokens = await here.tokens(survey_id)
    posts = [here.answer(survey_id, token, 4) for token in tokens for _ in range(3)]
    posts += [here.write(survey_id, token, "Bra") for token in tokens for _ in range(3)]
    statuses = Counter(each.status_code for each in await asyncio.gather(*posts))
    assert statuses == {204: 24, 409: 48}
    await here.close(survey_id)
    assert (await here.result(survey_id)).json()["answered"] == 12
    assert await rows(here, Words) == 12


async def test_a_close_amid_answers_loses_none(here: Scene) -> None:
    """Whoever got a 204 is counted, whoever came too late is told so."""
    survey_id = await here.opened(40)
    tokens = await here.tokens(survey_id)
    posts = [here.answer(survey_id, token, 3) for token in tokens]
    done = await asyncio.gather(*posts[:20], here.close(survey_id), *posts[20:])
    statuses = Counter(each.status_code for each in done if each.status_code != 200)
    assert set(statuses) <= {204, 409}
    result = (await here.result(survey_id)).json()
    assert statuses[204] < 10 or result["answered"] == statuses[204]


async def test_a_second_copy_of_the_store_releases_nothing(sqlite_here: Scene) -> None:
    """A store that was copied before the close finds its box destroyed and tells nothing."""
    here = sqlite_here
    survey_id = await here.answered(MIXED, attended=11)
    here.it.service.store.need(BallotBoxes).destroy(EVENT)
    left = (await here.tokens(survey_id))[-1]
    for late in (await here.answer(survey_id, left, 3), await here.write(survey_id, left, "Bra")):
        assert (late.status_code, late.json()["type"]) == (409, "/problems/survey-closed")
    await here.close(survey_id)
    assert await here.it.published(ResultReleased) == []
    answer = await here.result(survey_id)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/result-gone")


async def test_a_store_from_before_the_opening_asks_nobody_again(sqlite_here: Scene) -> None:
    """An event whose box was destroyed was asked about; heard of anew, it opens nothing."""
    here = sqlite_here
    here.it.service.store.need(BallotBoxes).destroy(EVENT)
    await here.hear(AttendanceClosed(event_id=EVENT, year=2023, attended=9))
    assert await here.it.published() == []
    assert (await rows(here, Ballot), await rows(here, dead_letter)) == (0, 0)


async def test_the_box_is_destroyed_with_the_close(sqlite_here: Scene) -> None:
    """Its key is gone from the disk once the survey is closed."""
    here = sqlite_here
    folder = here.it.service.store.need(BallotBoxes).keyring._folder / "boxes"
    survey_id = await here.answered(MIXED)
    assert [path.suffix for path in folder.iterdir()] == [".key"]
    await here.close(survey_id)
    assert [path.suffix for path in folder.iterdir()] == [".destroyed"]


async def test_words_for_the_house(here: Scene) -> None:
    """Read after the close by who may, in random order, where five answered; gone in a year."""
    survey_id = await here.answered([4] * 6)
    tokens = await here.tokens(survey_id)
    for number, token in enumerate(tokens):
        await here.write(survey_id, token, f"Ord {number}", may_quote=number == 0)
    path = f"/v1/surveys/{survey_id}/words"
    assert (await here.client.get(path)).status_code == 409
    assert (await here.anybody.get(path)).status_code == 401
    await here.close(survey_id)
    items = (await here.client.get(path)).json()["items"]
    assert sorted(each["text"] for each in items) == [f"Ord {number}" for number in range(1, 6)]
    here.clock.move(START + timedelta(days=380))
    await here.it.quiet()
    assert await rows(here, Words) == 0
    assert (await here.client.get("/v1/quotes")).json()["items"] == []
