"""Ballots reach whoever came, one each, at random; nothing that is kept tells who got which."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from services.notifications.handlers import ballots as handing_out
from services.notifications.models import Attendance, Ballot, Delivery
from shared.contracts.events import (
    EventContactGiven,
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationNoShow,
)
from shared.contracts.notifications import DeliverySent
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.notifications.scene import (
    NOON,
    SURVEY,
    Scene,
    attendance_closed,
    calendar_of,
    event,
    fact,
    html_of,
    invited,
    scene,
    survey_closed,
    text_of,
)

pytestmark = pytest.mark.anyio

AFTER = NOON + timedelta(days=41)
_LINK = re.compile(r"https://test\.example/(sv|en)/e/([0-9a-f-]{36}\.[\w-]+)")


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications on either database, the day after the event."""
    async with scene(make_url, tmp_path, dialect=request.param, at=AFTER) as running:
        yield running


@pytest.fixture
async def sqlite(make_url: MakeUrl, tmp_path: Path) -> AsyncIterator[Scene]:
    """Run notifications on SQLite, the day after the event."""
    async with scene(make_url, tmp_path, at=AFTER) as running:
        yield running


def people(number: int) -> list[str]:
    """Return so many registrations."""
    return [f"r{each}" for each in range(number)]


def secrets(number: int, prefix: str = "secret") -> list[str]:
    """Return so many secrets, each recognisable in any bytes."""
    return [f"{prefix}-{each:03d}-0123456789abcdefghij" for each in range(number)]


async def came(it: Scene, who: list[str], *, language: str = "sv") -> None:
    """Let each of these be registered with an address, and come."""
    await it.hear(event(), *(contact_of(it, each, language) for each in who))
    marked = [fact(RegistrationAttended, each, contact_given=False) for each in who]
    await it.hear(*marked, sequence=3)


def contact_of(it: Scene, registration: str, language: str = "sv") -> EventContactGiven:
    """Return the contact of a registration at an address of its own."""
    return it.contact(registration, email=f"{registration}@example.org", language=language)


async def test_who_came_gets_one_ballot_each(it: Scene) -> None:
    """As many letters as people with an address, each with another ballot; the rest is kept."""
    await came(it, people(7))
    absent = fact(RegistrationNoShow, "r8", contact_given=False)
    await it.hear(contact_of(it, "r8"), absent)
    await it.hear(fact(RegistrationAttended, "no-address", contact_given=False))
    made = it.ballots(*secrets(9))
    (cause,) = await it.hear(made)
    assert it.mails() == []
    await it.hear(attendance_closed(9))
    given = invited(it.mails())
    assert set(given) == {f"{each}@example.org" for each in people(7)}
    assert len(set(given.values())) == 7
    assert set(given.values()) <= {f"{SURVEY}.{each}" for each in secrets(9)}
    deliveries = await it.deliveries()
    assert {(each.template, each.status, each.message_id) for each in deliveries} == {
        ("survey-invitation", "sent", cause)
    }
    assert {(each.letter, each.about) for each in deliveries} == {(None, None)}
    assert len(await it.it.published(DeliverySent)) == 7


@pytest.mark.parametrize(
    ("language", "subject", "says"),
    [
        ("sv", "Vad tyckte du? Jämlik hälsa", "till och med torsdag 25 maj 2023 kl. 12.00"),
        ("en", "What did you think? Equal health", "until Thursday 25 May 2023 at 12:00"),
    ],
)
async def test_the_letter_says_what_it_is(
    sqlite: Scene, language: str, subject: str, says: str
) -> None:
    """In the person's language, with the day on which the survey closes, and no calendar."""
    await came(sqlite, ["r1"], language=language)
    await sqlite.hear(attendance_closed(1), sqlite.ballots("s" * 43, days=13))
    (mail,) = sqlite.mails()
    assert mail["Subject"] == subject
    assert mail["Content-Language"] == language
    assert says in text_of(mail)
    link = f"https://test.example/{language}/e/{SURVEY}.{'s' * 43}"
    assert link in text_of(mail)
    assert f'href="{link}"' in html_of(mail)
    assert calendar_of(mail) is None


async def test_everything_again_mails_nobody_twice(it: Scene) -> None:
    """Repeated, also after the inbox forgot, before and after the survey closed: no letter more."""
    await came(it, people(5))
    await it.hear(attendance_closed(5), it.ballots(*secrets(7)))
    before = invited(it.mails())
    assert len(before) == 5
    await it.forget_inbox()
    await it.repeat()
    assert invited(it.mails()) == before
    async with it.it.service.store.read() as reader:
        assert len((await reader.scalars(select(Ballot))).all()) == 2
    await it.hear(survey_closed())
    await it.forget_inbox()
    await it.repeat()
    assert invited(it.mails()) == before
    assert len(await it.deliveries()) == 5


async def test_ballots_in_parts_wait_for_one_another(it: Scene) -> None:
    """Nothing goes out before the last part is here, whatever the order."""
    await came(it, people(4))
    await it.hear(it.ballots(*secrets(2, "late"), part=2, parts=2), attendance_closed(4))
    assert it.mails() == []
    await it.hear(it.ballots(*secrets(2, "early"), part=1, parts=2))
    assert len(invited(it.mails())) == 4


async def test_the_last_word_counts(it: Scene) -> None:
    """Marked and corrected before the closing: only who came in the end is asked."""
    await came(it, people(2))
    await it.hear(fact(RegistrationNoShow, "r1", contact_given=False), sequence=4)
    await it.hear(attendance_closed(1), it.ballots(*secrets(1)))
    assert set(invited(it.mails())) == {"r0@example.org"}


async def test_a_correction_and_a_late_contact_are_invited(it: Scene) -> None:
    """Whoever is said to have come after the closing gets one of the ballots that are left."""
    await came(it, ["r0"])
    await it.hear(fact(RegistrationAttended, "r1", contact_given=False))
    absent = fact(RegistrationNoShow, "r2", contact_given=False)
    await it.hear(contact_of(it, "r2"), absent)
    await it.hear(attendance_closed(2), it.ballots(*secrets(4)))
    assert set(invited(it.mails())) == {"r0@example.org"}
    await it.hear(contact_of(it, "r1"))
    corrected = fact(RegistrationAttended, "r2", contact_given=False)
    await it.hear(corrected, sequence=5)
    assert set(invited(it.mails())) == {f"r{each}@example.org" for each in range(3)}
    assert len(set(invited(it.mails()).values())) == 3


async def test_whoever_shares_an_address_gets_a_ballot_each(sqlite: Scene) -> None:
    """Two registrations with one address are two invitations."""
    await sqlite.hear(event(), sqlite.contact("r1"), sqlite.contact("r2"))
    facts = [fact(RegistrationAttended, each, contact_given=False) for each in ("r1", "r2")]
    await sqlite.hear(*facts)
    await sqlite.hear(attendance_closed(2), sqlite.ballots(*secrets(2)))
    tokens = [match[2] for mail in sqlite.mails() if (match := _LINK.search(text_of(mail)))]
    assert len(set(tokens)) == 2


async def test_whoever_is_erased_is_not_asked(sqlite: Scene) -> None:
    """Without an address there is no letter, and a ballot more is left."""
    await came(sqlite, people(2))
    await sqlite.hear(fact(RegistrationCancelled, "r1", was="attended", reason="erased"))
    await sqlite.hear(attendance_closed(2), sqlite.ballots(*secrets(2)))
    assert set(invited(sqlite.mails())) == {"r0@example.org"}


async def test_a_survey_that_is_closed_asks_nobody(it: Scene) -> None:
    """Ballots that come after their survey closed are dropped, and so are those that are left."""
    await came(it, people(2))
    await it.hear(survey_closed())
    await it.hear(attendance_closed(2), it.ballots(*secrets(2)))
    assert it.mails() == []
    async with it.it.service.store.read() as reader:
        assert (await reader.scalars(select(Ballot))).all() == []


async def test_one_reminder_halfway_without_a_link(it: Scene) -> None:
    """Everybody who was invited gets it, once, and it leads nowhere by itself."""
    await came(it, people(3))
    await it.hear(attendance_closed(3), it.ballots(*secrets(3)))
    await it.move(timedelta(days=6, hours=23))
    assert len(it.mails()) == 3
    await it.move(timedelta(days=7))
    reminders = [mail for mail in it.mails() if mail["Subject"].startswith("Påminnelse")]
    assert Counter(mail["To"].addresses[0].addr_spec for mail in reminders) == Counter(
        f"{each}@example.org" for each in people(3)
    )
    assert _LINK.search("".join(text_of(mail) + html_of(mail) for mail in reminders)) is None
    assert "Länken finns i vårt förra mejl" in text_of(reminders[0])
    assert len(it.mails()) == 6


async def test_no_reminder_once_it_is_closed(sqlite: Scene) -> None:
    """A survey that closed by hand before the half is not mentioned again."""
    await came(sqlite, people(2))
    await sqlite.hear(attendance_closed(2), sqlite.ballots(*secrets(2)))
    await sqlite.move(timedelta(days=3))
    await sqlite.hear(survey_closed())
    await sqlite.move(timedelta(days=20))
    assert len(sqlite.mails()) == 2


async def test_what_is_left_is_gone_when_the_time_is_over(sqlite: Scene) -> None:
    """Though nobody says that the survey closed, its ballots and who came are forgotten."""
    await came(sqlite, people(2))
    await sqlite.hear(attendance_closed(2), sqlite.ballots(*secrets(5)))
    await sqlite.move(timedelta(days=14))
    async with sqlite.it.service.store.read() as reader:
        assert (await reader.scalars(select(Ballot))).all() == []
        assert (await reader.scalars(select(Attendance))).all() == []


async def test_sheets_for_paper(it: Scene) -> None:
    """Ballots that nobody was mailed are handed out once each, until the survey closes."""
    await came(it, people(2))
    await it.hear(attendance_closed(6), it.ballots(*secrets(6)))
    mailed = set(invited(it.mails()).values())
    async with it.it.client(key_with("surveys:admin")) as clerk:
        wanted = {"survey_id": SURVEY, "count": 3, "language": "en"}
        first = await clerk.post("/v1/ballot-sheets", json=wanted, headers={"Idempotency-Key": "k"})
        assert first.status_code == 201, first.text
        again = await clerk.post("/v1/ballot-sheets", json=wanted, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["left"]) == (409, 1)
        assert again.json()["type"].endswith("/problems/too-few-ballots")
        last = await clerk.post("/v1/ballot-sheets", json={"survey_id": SURVEY, "count": 1})
        links = first.json()["links"] + last.json()["links"]
        drawn = {link.rsplit("/", 1)[1] for link in links}
        assert links[0].startswith("https://test.example/en/e/")
        assert links[3].startswith("https://test.example/sv/e/")
        assert drawn | mailed == {f"{SURVEY}.{each}" for each in secrets(6)}
        assert not drawn & mailed
        await it.hear(survey_closed())
        gone = await clerk.post("/v1/ballot-sheets", json=wanted)
        assert (gone.status_code, gone.json()["type"][-13:]) == (409, "survey-closed")
        unknown = {"survey_id": "another", "count": 1}
        assert (await clerk.post("/v1/ballot-sheets", json=unknown)).status_code == 404
        none = {"survey_id": SURVEY, "count": 0}
        assert (await clerk.post("/v1/ballot-sheets", json=none)).status_code == 422
    async with it.it.client(PUBLIC) as public:
        assert (await public.post("/v1/ballot-sheets", json=wanted)).status_code == 401


async def test_sheets_wait_for_the_invitations(sqlite: Scene) -> None:
    """Before the letters are written nobody knows what is left."""
    await sqlite.hear(sqlite.ballots(*secrets(3)))
    async with sqlite.it.client(key_with("surveys:admin")) as clerk:
        wanted = {"survey_id": SURVEY, "count": 1}
        answer = await clerk.post("/v1/ballot-sheets", json=wanted)
        assert (answer.status_code, answer.json()["type"][-14:]) == (409, "not-handed-out")


async def test_more_people_than_go_at_once(sqlite: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many letters are written at a time, and the rest follows."""
    monkeypatch.setattr(handing_out, "AT_ONCE", 10)
    await came(sqlite, people(25))
    await sqlite.hear(attendance_closed(25), sqlite.ballots(*secrets(14, "a"), parts=2))
    await sqlite.hear(sqlite.ballots(*secrets(11, "b"), part=2, parts=2))
    given = invited(sqlite.mails())
    assert len(given) == len(set(given.values())) == 25
    await sqlite.move(timedelta(days=7))
    reminded = [mail["To"] for mail in sqlite.mails() if mail["Subject"].startswith("Påm")]
    assert len(reminded) == len(set(reminded)) == 25


async def test_no_order_of_the_store_tells_who_got_which(sqlite: Scene) -> None:
    """Deliveries, in any order that is kept, go with neither the people's order nor the tokens'."""
    who = people(100)
    await came(sqlite, who)
    await sqlite.hear(attendance_closed(100), sqlite.ballots(*secrets(100)))
    given = invited(sqlite.mails())
    by_person = [given[f"{each}@example.org"] for each in who]
    async with sqlite.it.service.store.read() as reader:
        rows = (await reader.scalars(select(Delivery).order_by(Delivery.id))).all()
        ids = {row.id for row in rows}
    by_file = [
        invited([mail])[mail["To"].addresses[0].addr_spec]
        for mail in sorted(sqlite.mails(), key=lambda each: each["Message-ID"])
    ]
    assert len(ids) == 100
    assert all(each[14] == "4" for each in ids)  # random, so their order is nobody's
    told = [each.delivery_id for each in await sqlite.it.published(DeliverySent)]
    assert set(told) == ids
    for order in (by_person, by_file):
        assert abs(rank_correlation(order)) < 0.5  # five standard deviations at n = 100


def rank_correlation(tokens: list[str]) -> float:
    """Return Spearman's correlation of the tokens' own order with the order they stand in."""
    rank = {token: place for place, token in enumerate(sorted(tokens))}
    n = len(tokens)
    squares = sum((place - rank[token]) ** 2 for place, token in enumerate(tokens))
    return 1 - 6 * squares / (n * (n * n - 1))


async def test_letters_about_the_place_go_on_beside(sqlite: Scene) -> None:
    """An invitation to a survey is in nobody's way."""
    await sqlite.hear(event(), contact_of(sqlite, "r1"), fact(RegistrationConfirmed))
    await sqlite.hear(fact(RegistrationAttended, contact_given=False), sequence=3)
    await sqlite.hear(attendance_closed(1), sqlite.ballots(*secrets(1)))
    assert sorted(mail["Subject"].split(":")[0].split("?")[0] for mail in sqlite.mails()) == [
        "Du har en plats",
        "Vad tyckte du",
    ]
