"""Bad input: a clear sentence each, and nothing is counted or spent by it."""

from datetime import timedelta
from typing import Any

import pytest

from services.surveys.rules.ballots import new_secret
from tests.surveys.scene import START, Scene

pytestmark = pytest.mark.anyio


async def refused(answer: Any, status: int, slug: str) -> None:
    """Hold an answer to be the problem it should be, with a sentence of its own."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{slug}"), answer.text
    assert problem["title"]
    assert problem["detail"].endswith(".")


async def test_forged_and_foreign_ballots(here: Scene) -> None:
    """What was never made, was made for another survey, or is no ballot at all is unknown."""
    survey_id = await here.opened(3)
    other_id = await here.opened(3, "event-2")
    foreign = (await here.tokens(other_id))[0]
    unknown = [
        new_secret(),
        f"{survey_id}.{new_secret()}",
        foreign,
        foreign.split(".")[1],
        f"{survey_id}.{foreign.split('.')[1]}",
        "x",
        "." * 50,
        "å" * 43,
        "=" * 43,
    ]
    for ballot in unknown:
        await refused(await here.answer(survey_id, ballot, 3), 404, "ballot-unknown")
        await refused(await here.write(survey_id, ballot, "Bra"), 404, "ballot-unknown")
    assert (await here.answer(other_id, foreign, 3)).status_code == 204
    await refused(await here.answer("nowhere", foreign, 3), 404, "nothing-here")


async def test_a_spent_ballot(here: Scene) -> None:
    """It is said that it was used; a rating out of range before that spends nothing."""
    survey_id = await here.opened(1)
    [token] = await here.tokens(survey_id)
    for rating in (0, 6, 3.5, "3", None, True):
        await refused(await here.answer(survey_id, token, rating), 422, "invalid-request")
    assert (await here.answer(survey_id, token, 3)).status_code == 204
    await refused(await here.answer(survey_id, token, 4), 409, "ballot-spent")


async def test_a_survey_closed_a_second_ago(here: Scene) -> None:
    """Whoever comes after the close is told so, by hand or by time."""
    survey_id = await here.opened(2)
    one, two = await here.tokens(survey_id)
    here.clock.move(START + timedelta(days=14, seconds=-1))
    assert (await here.answer(survey_id, one, 3)).status_code == 204
    here.clock.move(START + timedelta(days=14))
    await refused(await here.answer(survey_id, two, 3), 409, "survey-closed")
    await here.it.quiet()
    await refused(await here.write(survey_id, two, "Sent"), 409, "survey-closed")
    other_id = await here.opened(2, "event-2")
    await here.close(other_id)
    token = f"{other_id}.{new_secret()}"
    await refused(await here.answer(other_id, token, 3), 409, "survey-closed")


async def test_words_too_long(sqlite_here: Scene) -> None:
    """A hundred thousand characters, and five thousand, are refused; the ballot stays good."""
    here = sqlite_here
    survey_id = await here.opened(1)
    [token] = await here.tokens(survey_id)
    await refused(await here.write(survey_id, token, "å" * 100_000), 413, "too-large")
    await refused(await here.write(survey_id, token, "x" * 4_001), 422, "invalid-request")
    assert (await here.write(survey_id, token, "\N{GRINNING FACE}" * 4_000)).status_code == 204


@pytest.mark.parametrize(
    "text", ["", "  \n ", "\u200f\u200e", "a\0b", "a\x1bb", "\u202eabc", None, 7]
)
async def test_words_that_are_none(sqlite_here: Scene, text: Any) -> None:
    """Nothing to be read, control characters and direction overrides are refused."""
    survey_id = await sqlite_here.opened(1)
    [token] = await sqlite_here.tokens(survey_id)
    await refused(await sqlite_here.write(survey_id, token, text), 422, "invalid-request")


async def test_half_a_character_is_refused(sqlite_here: Scene) -> None:
    """A surrogate without its other half is no text."""
    survey_id = await sqlite_here.opened(1)
    [token] = await sqlite_here.tokens(survey_id)
    answer = await sqlite_here.anybody.post(
        f"/v1/surveys/{survey_id}/words",
        content=b'{"ballot": "%s", "text": "a\\ud800"}' % token.encode(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)


async def test_words_of_any_kind_come_back_as_they_were(here: Scene) -> None:
    """Any script, markup and a phone number are plain text, from the post to the reader."""
    written = [
        "يوم رائع، شكراً للجميع",
        "<script>alert('x')</script> & <b>fet</b>",
        "Ring 040-12 34 56, fråga efter Åsa",
        "素晴らしい一日 \N{WAVING HAND SIGN}",
        "'; DROP TABLE quote; --",
        "Första raden\nAndra raden",
    ]
    survey_id = await here.answered([4] * len(written))
    for token, text in zip(await here.tokens(survey_id), written, strict=True):
        assert (await here.write(survey_id, token, text)).status_code == 204
    await here.close(survey_id)
    items = (await here.client.get(f"/v1/surveys/{survey_id}/words")).json()["items"]
    assert sorted(each["text"] for each in items) == sorted(written)


async def test_who_may(sqlite_here: Scene) -> None:
    """Closing, words and quotes are for surveys:admin; the rest is everybody's."""
    here = sqlite_here
    survey_id = await here.opened(1)
    for method, path in [
        ("POST", f"/v1/surveys/{survey_id}/closing"),
        ("GET", f"/v1/surveys/{survey_id}/words"),
        ("GET", "/v1/quotes"),
        ("GET", "/v1/quotes/x"),
        ("POST", "/v1/quotes/x/approval"),
    ]:
        body: dict[str, str] | None = {} if method == "POST" else None
        assert (await here.anybody.request(method, path, json=body)).status_code == 401
    assert (await here.client.get("/v1/quotes/x")).status_code == 404
    assert (await here.anybody.get("/v1/surveys/x")).status_code == 404
    assert (await here.client.post("/v1/surveys/x/closing")).status_code == 404
    assert (await here.result("x")).status_code == 404
