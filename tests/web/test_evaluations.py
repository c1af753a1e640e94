"""Answering an evaluation by its link, and taking a quote back: over the whole house."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.surveys.rules.ballots import derived, new_secret
from services.web.pages.evaluations import ballot, split
from tests.web.lived import Lived, lived_house


@pytest.fixture
async def lived(tmp_path: Path) -> AsyncIterator[Lived]:
    """Return a house that is running."""
    async with lived_house(tmp_path) as house:
        yield house


def test_the_ballots_are_those_that_surveys_knows() -> None:
    """Both sides derive the same two ballots from a secret, and the two differ."""
    secret = new_secret()
    assert ballot(secret, "rating") == derived(secret, "rating")
    assert ballot(secret, "words") == derived(secret, "words")
    assert ballot(secret, "rating") != ballot(secret, "words")


@pytest.mark.parametrize(
    "token", ["", "x", ".", "a.b", f"a.{'å' * 43}", f"a/b.{'A' * 43}", "A" * 43]
)
def test_what_was_cut_is_no_token(token: str) -> None:
    """A token that was not copied as a whole is none."""
    assert split(token) is None


@pytest.mark.anyio
async def test_an_answer_is_counted_once_and_its_words_can_be_taken_back(lived: Lived) -> None:
    """The form takes a rating and words, the link is spent by it, the receipt code works."""
    event = await lived.event()
    survey, tokens = await lived.survey(event, 12)
    visitor = lived.visitor("sv")
    path = f"/e/{tokens[0]}"
    page = await visitor.reads(path)
    assert "Jämlik hälsa" in page
    assert "I vilken grad har mötet levt upp" in page
    assert " checked" not in page
    answer = await visitor.client.get(f"/sv{path}")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    sent = await visitor.sends(path, rating="4", words="En härlig morgon", may_quote="yes")
    assert sent.status_code == 200
    assert "Ditt svar är räknat" in sent.text
    found = re.search(r'<p class="code"><bdi>([^<]+)</bdi>', sent.text)
    assert found
    assert "Länken är använd" in (await visitor.sends(path, rating="2")).text
    wrong = await visitor.sends("/q", code="no such code")
    assert wrong.status_code == 422
    assert "Inget citat har den koden" in wrong.text
    done = await visitor.follows(await visitor.sends("/q", code=f" {found[1]} "))
    assert "Citatet är tillbakataget" in done
    await lived.does("POST", f"/v1/surveys/{survey}/closing")
    assert "stängd" in await visitor.reads(f"/e/{tokens[1]}")


@pytest.mark.anyio
async def test_a_form_that_is_wrong_keeps_what_was_typed(lived: Lived) -> None:
    """Without a rating, or with far too many words, nothing is sent and nothing lost."""
    _survey, tokens = await lived.survey(await lived.event(), 6)
    visitor = lived.visitor()
    path = f"/e/{tokens[0]}"
    words = 'Call 040-123456 & "bring" <b>cake</b>'
    wrong = await visitor.sends(path, words=words, may_quote="yes")
    assert wrong.status_code == 422
    assert "Choose a number from 1 to 5" in wrong.text
    assert "&lt;b&gt;cake&lt;/b&gt;" in wrong.text
    assert re.search(r'name="may_quote" value="yes" checked', wrong.text)
    long = await visitor.sends(path, rating="5", words="مرحبا " * 1_000 + "a" * 14_001)
    assert long.status_code == 422
    assert "Shorten the text to 4,000 characters; it has 20,001" in long.text
    assert "مرحبا " * 1_000 + "a" * 14_001 in long.text
    for rating in ("0", "6", "five", "5.0", "４"):
        assert (await visitor.sends(path, rating=rating)).status_code == 422
    sent = await visitor.sends(path, rating="5", words="a\x07bc")
    assert sent.status_code == 422
    assert "signs that cannot be kept" in sent.text
    assert 'name="counted" value="yes"' in sent.text
    again = await visitor.sends(path, counted="yes", words="abc")
    assert "Your answer is counted" in again.text


@pytest.mark.anyio
async def test_a_link_that_does_not_count_says_why(lived: Lived) -> None:
    """Forged, cut, spent, closed: a sentence each, and what was typed to be copied."""
    event = await lived.event()
    survey, tokens = await lived.survey(event, 6)
    visitor = lived.visitor()
    forged = f"{survey}.{new_secret()}"
    for token in ("x", tokens[0][:-3], f"nobody.{new_secret()}"):
        assert "leads to no survey" in await visitor.reads(f"/e/{token}", 404)
    answer = await visitor.sends(f"/e/{forged}", rating="3", words="typed with care")
    assert answer.status_code == 404
    assert "typed with care" in answer.text
    open_form = await visitor.sends(f"/e/{tokens[0]}", rating="3")
    assert "Your answer is counted" in open_form.text
    spent = await visitor.sends(f"/e/{tokens[0]}", rating="3")
    assert "This link has been used" in spent.text
    late = await visitor.client.get(f"/en/e/{tokens[1]}")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', late.text))
    await lived.does("POST", f"/v1/surveys/{survey}/closing")
    closed = await visitor.client.post(
        f"/en/e/{tokens[1]}", data={**hidden, "rating": "3", "words": "a second late"}
    )
    assert "The survey is closed" in closed.text
    assert "a second late" in closed.text
    assert "at least five answers" in closed.text


@pytest.mark.anyio
async def test_a_form_without_its_token_or_from_another_site_changes_nothing(lived: Lived) -> None:
    """Neither spends the ballot: the link still takes an answer afterwards."""
    _survey, tokens = await lived.survey(await lived.event(), 6)
    visitor = lived.visitor()
    path = f"/en/e/{tokens[0]}"
    bare = await visitor.client.post(path, data={"rating": "1", "words": "kept"})
    assert bare.status_code == 403
    assert "kept" in bare.text
    foreign = await visitor.client.post(
        path, data={"rating": "1"}, headers={"origin": "https://elsewhere.example"}
    )
    assert foreign.status_code == 403
    assert "Your answer is counted" in (await visitor.sends(f"/e/{tokens[0]}", rating="5")).text
