"""Quotes: consent, flags, cuts, approval by a person, withdrawal by a receipt code."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services.surveys.rules.problems import Reworded, TooLongToQuote
from services.surveys.rules.quotes import cut, flags
from shared.contracts.surveys import QuoteApproved, QuoteWithdrawn
from shared.store.plumbing import outbox
from tests.surveys.scene import EVENT, START, Scene

WORDS = "En härlig morgon med många kloka människor i ett viktigt ämne"


async def proposed(here: Scene, text: str = WORDS, answers: int = 6) -> tuple[str, str]:
    """Have one person write something that may be quoted; return the survey and the code."""
    survey_id = await here.answered([4] * answers, attended=9)
    tokens = await here.tokens(survey_id)
    written = await here.write(survey_id, tokens[0], text, may_quote=True)
    return survey_id, written.headers["withdrawal-code"]


async def listed(here: Scene, **query: str) -> list[dict[str, Any]]:
    """Return the quotes as those see them who approve."""
    items: list[dict[str, Any]] = (await here.client.get("/v1/quotes", params=query)).json()[
        "items"
    ]
    return items


@pytest.mark.anyio
async def test_a_quote_is_approved_and_withdrawn(here: Scene) -> None:
    """It is proposed at the close, published cut, and gone with its code, from the topic too."""
    survey_id, code = await proposed(here)
    assert await listed(here) == []
    await here.close(survey_id)
    [quote] = await listed(here, status="proposed")
    assert (quote["text"], quote["flags"], quote["event_id"]) == (WORDS, [], EVENT)
    path = f"/v1/quotes/{quote['id']}/approval"
    text = "En härlig morgon […] i ett viktigt ämne"
    approved = await here.client.post(path, json={"text": text})
    assert (approved.status_code, approved.json()["published"]) == (200, text)
    [told] = await here.it.published(QuoteApproved)
    assert (told.quote_id, told.text, told.event_id, told.year) == (quote["id"], text, EVENT, 2023)
    for _ in range(2):
        gone = await here.anybody.post("/v1/quote-withdrawals", json={"code": code})
        assert gone.status_code == 204
    [withdrawn] = await here.it.published(QuoteWithdrawn)
    assert withdrawn.quote_id == quote["id"]
    [kept] = await listed(here, status="withdrawn")
    assert (kept["text"], kept["published"]) == (None, None)
    assert (await here.client.post(path, json={})).json()["type"] == "/problems/quote-is-withdrawn"
    async with here.it.service.store.read() as reader:
        bodies = select(outbox.c.body).where(outbox.c.topic == QuoteWithdrawn.topic)
        assert (await reader.scalars(bodies.order_by(outbox.c.seq.desc()))).first() is None


@pytest.mark.anyio
async def test_nobody_acts_on_what_another_changed(here: Scene) -> None:
    """A close and an approval with an ETag that is no more change nothing."""
    survey_id, _ = await proposed(here)
    stale = {"If-Match": '"99"'}
    path = f"/v1/surveys/{survey_id}"
    refused = await here.client.post(f"{path}/closing", headers=stale)
    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/precondition-failed")
    read = await here.anybody.get(path)
    assert read.json()["status"] == "open"
    seen = {"If-Match": read.headers["etag"]}
    assert (await here.client.post(f"{path}/closing", headers=seen)).status_code == 200
    [quote] = await listed(here)
    path = f"/v1/quotes/{quote['id']}"
    assert (await here.client.post(f"{path}/approval", headers=stale)).status_code == 412
    seen = {"If-Match": (await here.client.get(path)).headers["etag"]}
    assert (await here.client.post(f"{path}/approval", headers=seen)).status_code == 200
    assert (await here.client.post(f"{path}/approval", headers=seen)).status_code == 412


@pytest.mark.anyio
async def test_a_quote_is_withdrawn_before_anybody_saw_it(here: Scene) -> None:
    """While the survey is open it is taken out of the box; before approval, off the shelf."""
    survey_id, code = await proposed(here)
    tokens = await here.tokens(survey_id)
    second = await here.write(survey_id, tokens[1], WORDS, may_quote=True)
    assert (
        await here.anybody.post("/v1/quote-withdrawals", json={"code": code})
    ).status_code == 204
    again = await here.anybody.post("/v1/quote-withdrawals", json={"code": code})
    assert (again.status_code, again.json()["type"]) == (404, "/problems/code-unknown")
    await here.close(survey_id)
    assert len(await listed(here)) == 1
    later = second.headers["withdrawal-code"]
    await here.anybody.post("/v1/quote-withdrawals", json={"code": later})
    assert await listed(here, status="proposed") == []
    assert await here.it.published(QuoteWithdrawn) == []
    unknown = await here.anybody.post("/v1/quote-withdrawals", json={"code": "invented"})
    assert unknown.status_code == 404


@pytest.mark.anyio
async def test_withdrawn_words_leave_the_files(sqlite_here: Scene, tmp_path: Path) -> None:
    """Nobody finds a word of a quote that was taken back before it was published on the disk."""
    here = sqlite_here
    survey_id, code = await proposed(here)
    await here.close(survey_id)
    assert any(WORDS.encode() in path.read_bytes() for path in tmp_path.glob("*.sqlite*"))
    await here.anybody.post("/v1/quote-withdrawals", json={"code": code})
    await here.it.quiet()
    assert not any(WORDS.encode() in path.read_bytes() for path in tmp_path.glob("*.sqlite*"))


@pytest.mark.anyio
async def test_too_few_answers_leave_no_words(sqlite_here: Scene, tmp_path: Path) -> None:
    """Under five answers no quote is listed, and none is kept that could be."""
    here = sqlite_here
    survey_id, code = await proposed(here, answers=4)
    await here.close(survey_id)
    assert await listed(here) == []
    assert not any(WORDS.encode() in path.read_bytes() for path in tmp_path.glob("*.sqlite*"))
    gone = await here.anybody.post("/v1/quote-withdrawals", json={"code": code})
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/code-unknown")
    assert (await here.client.get(f"/v1/surveys/{survey_id}/words")).status_code == 409


@pytest.mark.anyio
async def test_a_quote_is_cut_never_reworded(sqlite_here: Scene) -> None:
    """A word changed, added, moved or split is refused; another cut replaces the first."""
    here = sqlite_here
    survey_id, _ = await proposed(here)
    await here.close(survey_id)
    [quote] = await listed(here)
    path = f"/v1/quotes/{quote['id']}/approval"
    reworded = await here.client.post(path, json={"text": WORDS.replace("härlig", "hemsk")})
    assert (reworded.status_code, reworded.json()["type"]) == (422, "/problems/reworded")
    for text in (None, None, "[…] i ett viktigt ämne"):
        body = {} if text is None else {"text": text}
        assert (await here.client.post(path, json=body)).status_code == 200
    told = [each.text for each in await here.it.published(QuoteApproved)]
    assert told == [WORDS, "[…] i ett viktigt ämne"]


@pytest.mark.anyio
async def test_proposals_are_forgotten_in_a_year(sqlite_here: Scene) -> None:
    """What nobody approved goes with the words; what was approved stays."""
    here = sqlite_here
    survey_id, _ = await proposed(here)
    tokens = await here.tokens(survey_id)
    await here.write(survey_id, tokens[1], "En till", may_quote=True)
    await here.close(survey_id)
    [kept] = [each for each in await listed(here) if each["text"] == WORDS]
    await here.client.post(f"/v1/quotes/{kept['id']}/approval", json={})
    here.clock.move(START + timedelta(days=366))
    await here.it.quiet()
    assert [each["text"] for each in await listed(here)] == [WORDS]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (WORDS, []),
        ("Bra. Mycket bra! Ja, tack.", []),
        ("Tack till Åsa för kaffet", ["contains-name-like"]),
        ("Vi var 12", ["contains-number"]),
        ("ring 070-123 45 67", ["contains-number", "contains-phone-number"]),
        ("skriv till mig@example.org", ["contains-address"]),
        ("se https://example.org", ["contains-address"]),
        ("رائع ٠٧٠١٢٣٤٥٦٧", ["contains-number", "contains-phone-number"]),
    ],
)
def test_flags(text: str, found: list[str]) -> None:
    """A name within a sentence, a number and an address are pointed out."""
    assert flags(text) == found


@pytest.mark.parametrize(
    "wanted",
    [
        "[…]",
        "En härlig morgon i ett viktigt ämne",
        "En härlig morgon […] i ett viktigt",
        "härlig morgon […] ämne",
        "En här[…] ämne",
        "En härlig morgon […] ämne i ett viktigt",
        "En härlig […] med […] morgon […] ämne",
        f"{WORDS} […]",
        f"{WORDS}!",
        "En härlig morgon […][…]",
    ],
)
def test_what_is_no_cut(wanted: str) -> None:
    """A cut leaves whole words in their order and is shown where it is."""
    with pytest.raises(Reworded):
        cut(WORDS, wanted)


@given(st.lists(st.sampled_from(["ja", "nej", "kaffe", "och", "a"]), min_size=3), st.data())
def test_every_cut_is_one(words: list[str], data: st.DataObject) -> None:
    """Whatever is left out between whole words, with its place shown, is a cut."""
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    if end - start == len(words):
        end -= 1
    left = [*words[:start], "[…]", *words[end:]]
    assert cut(" ".join(words), " ".join(left)) == " ".join(left)


def test_a_quote_is_short() -> None:
    """What is longer than a quote may be must be cut."""
    with pytest.raises(TooLongToQuote):
        cut("ja " * 1_000, "ja " * 1_000)
    assert cut("ja " * 1_000, "ja ja […]") == "ja ja […]"
