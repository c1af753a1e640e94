"""Registering, from the calendar to the door, with forms alone."""

import re

import pytest

from services.notifications.writing.safe import derived
from shared.security.keyring import Keyring
from shared.security.links import Links
from tests.web.house import Opened, Visitor

pytestmark = pytest.mark.anyio


async def _asked(house: Opened, event: str, who: str, **more: object) -> Visitor:
    visitor = house.visitor()
    page = await visitor.get(f"/sv/events/{house.events[event]['id']}")
    typed = {"name": who.title(), "email": f"{who}@example.org", "sector": "association", **more}
    answer = await visitor.send(page, "email", **typed)
    told = await visitor.follow(answer)
    assert "Ett brev är på väg" in told.text
    assert 'id="done"' in told.text
    return visitor


async def test_a_place_is_asked_for_confirmed_and_given_back(house: Opened) -> None:
    """The link of the letter takes the place, shows the code for the door, and gives it back."""
    visitor = await _asked(house, "dialogue", "amina")
    link = await house.link_mailed_to("amina@example.org")

    pending = await visitor.get(link)
    assert "Ett steg är kvar" in pending.text
    assert "<path" not in pending.text.partition("<main")[2]

    confirmed = await visitor.follow(await visitor.send(pending))
    assert "Du är anmäld" in confirmed.text
    assert "Amina" in confirmed.text
    assert 'class="qr"' in confirmed.text

    file = await visitor.get(f"{link}/calendar.ics")
    assert file.headers["content-type"].startswith("text/calendar")
    assert "LOCATION:Stora salen\\, Nobel 21" in file.text
    assert file.headers["cache-control"] == "no-store"

    change = await visitor.get(f"{link}/change")
    assert "Behåll min plats" in change.text
    answer = await visitor.send(change, "do", do="cancel")
    assert "Din anmälan är avbokad" in (await visitor.follow(answer)).text


async def test_looking_at_a_link_changes_nothing(house: Opened) -> None:
    """A mail scanner that opens every link of a letter takes and gives back no place."""
    await _asked(house, "dialogue", "berit")
    link = await house.link_mailed_to("berit@example.org")
    scanner = house.visitor()
    for path in (link, f"{link}/change", f"{link}/calendar.ics"):
        for _ in range(2):
            assert (await scanner.get(path)).status_code == 200
    assert "Ett steg är kvar" in (await scanner.get(link)).text


async def test_a_confirmation_sent_twice_is_one(house: Opened) -> None:
    """The button pressed twice, or the page sent again, confirms once and says the same."""
    visitor = await _asked(house, "dialogue", "cecilia")
    pending = await visitor.get(await house.link_mailed_to("cecilia@example.org"))
    first, second = await visitor.send(pending), await visitor.send(pending)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]


async def test_whoever_comes_too_late_stands_in_line(house: Opened) -> None:
    """The second for the only place is told the place in line, and moves up when it falls free."""
    links = []
    for who in ("disa", "elin"):
        visitor = await _asked(house, "small", who)
        link = await house.link_mailed_to(f"{who}@example.org")
        await visitor.send(await visitor.get(link))
        links.append(link)
    visitor = house.visitor()
    assert "Du är nummer 1 i kön" in (await visitor.get(links[1])).text
    event = await visitor.get(f"/sv/events/{house.events['small']['id']}")
    assert "Fullt, med väntelista" in event.text
    assert "Ställ mig i kön" in event.text

    change = await visitor.get(f"{links[0]}/change")
    await visitor.send(change, "do", do="cancel")
    assert "Du är anmäld" in (await visitor.get(links[1])).text


async def test_a_course_is_applied_for(house: Opened) -> None:
    """An application says how places are given, and is told as one after it is confirmed."""
    visitor = house.visitor()
    page = await visitor.get(f"/en/events/{house.events['course']['id']}")
    assert "By application" not in page.text
    assert "Apply by Tuesday 17 October" in page.text
    answer = await visitor.send(
        page, "email", name="Farid", email="farid@example.org", sector="job-seeker", language="en"
    )
    assert answer.status_code == 303
    link = await house.link_mailed_to("farid@example.org")
    assert link.startswith("/en/")
    applied = await visitor.follow(await visitor.send(await visitor.get(link)))
    assert "You have applied" in applied.text


async def test_what_is_needed_is_kept_with_the_registration(house: Opened) -> None:
    """The boxes ticked and the words written reach who arranges it."""
    visitor = house.visitor()
    event = house.events["dialogue"]["id"]
    page = await visitor.get(f"/sv/events/{event}")
    typed = {
        "name": "Gerd",
        "email": "gerd@example.org",
        "sector": "other",
        "need": ["hearing-loop", "step-free"],
        "need_other": "en assistent",
    }
    assert (await visitor.send(page, "email", **typed)).status_code == 303
    await house.quiet()
    answer = await house.admin.get(f"/v1/events/{event}/registrations", params={"limit": "100"})
    needs = next(each["needs"] for each in answer.json()["items"] if each["name"] == "Gerd")
    assert {(each["kind"], each["detail"]) for each in needs} == {
        ("hearing-loop", None),
        ("step-free", None),
        ("other", "en assistent"),
    }


async def test_somebody_is_forgotten_by_a_box_and_a_button(house: Opened) -> None:
    """Without the tick nothing is erased; with it the link is dead at once."""
    visitor = await _asked(house, "dialogue", "hanna")
    link = await house.link_mailed_to("hanna@example.org")
    change = await visitor.get(f"{link}/change")
    refused = await visitor.send(change, "sure", do="erase")
    assert refused.status_code == 422
    assert "Kryssa i rutan" in refused.text

    answer = await visitor.send(refused, "sure", do="erase", sure="yes")
    assert "Du är glömd" in (await visitor.follow(answer)).text
    await house.quiet()
    listed = await house.admin.get(
        f"/v1/events/{house.events['dialogue']['id']}/registrations", params={"search": "Hanna"}
    )
    assert listed.json()["items"] == []
    assert "Hanna" not in (await visitor.get(link)).text


async def test_links_are_mailed_and_nobody_learns_who_is_registered(house: Opened) -> None:
    """A known and an unknown address get the same answer, byte for byte but the random fields."""
    await _asked(house, "dialogue", "irma")
    visitor = house.visitor()
    answers = []
    for address in ("irma@example.org", "nobody@example.org"):
        answer = await visitor.send(await visitor.get("/sv/mine"), email=address)
        answers.append((answer.headers["location"], (await visitor.follow(answer)).text))
    assert answers[0] == answers[1]


async def test_a_wrong_form_keeps_all_that_was_typed(house: Opened) -> None:
    """Each fault has a sentence at the top and at its field, and nothing typed is lost."""
    visitor = house.visitor()
    page = await visitor.get(f"/sv/events/{house.events['dialogue']['id']}")
    wrong = await visitor.send(
        page,
        "email",
        name="Åsa <b>&",
        email="asa@",
        need=["food"],
        need_other="nötfritt",
        language="en",
    )
    assert wrong.status_code == 422
    assert "<title>Fel: " in wrong.text
    assert 'value="Åsa &lt;b&gt;&amp;"' in wrong.text
    assert 'value="asa@"' in wrong.text
    assert 'value="nötfritt"' in wrong.text
    assert re.search(r'value="food" checked', wrong.text)
    assert re.search(r'value="en" selected', wrong.text)
    for field in ("email", "sector"):
        assert f'href="#{field}"' in wrong.text
        assert f'id="{field}-err"' in wrong.text
    assert 'action="/sv/events/' in wrong.text
    assert "#errors" in wrong.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "=?utf-8?q?=0A?="}, "name"),
        ({"email": "a b@example.org"}, "email"),
        ({"email": "a@b@example.org"}, "email"),
        ({"email": "a@example.123"}, "email"),
        ({"sector": "king"}, "sector"),
        ({"need": "a throne"}, "need_other"),
        ({"need": "other", "need_other": "x" * 301}, "need_other"),
    ],
    ids=str,
)
async def test_every_fault_of_the_form_is_told_at_its_field(
    house: Opened, typed: dict[str, str], field: str
) -> None:
    """What the API refuses is told in the page's words, never in the API's."""
    visitor = house.visitor()
    page = await visitor.get(f"/sv/events/{house.events['dialogue']['id']}")
    good = {"name": "Jon", "email": "jon@example.org", "sector": "other"}
    wrong = await visitor.send(page, "email", **{**good, **typed})
    assert wrong.status_code == 422
    assert f'href="#{field}"' in wrong.text
    assert f'id="{field}-err"' in wrong.text
    assert "String should" not in wrong.text


async def test_a_form_sent_twice_is_one_registration(house: Opened) -> None:
    """The same form posted again has one effect and the same answer."""
    visitor = house.visitor()
    event = house.events["dialogue"]["id"]
    page = await visitor.get(f"/sv/events/{event}")
    typed = {"name": "Karin", "email": "karin@example.org", "sector": "other"}
    first = await visitor.send(page, "email", **typed)
    second = await visitor.send(page, "email", **typed)
    assert first.headers["location"] == second.headers["location"]
    await house.quiet()
    listed = await house.admin.get(f"/v1/events/{event}/registrations", params={"search": "Karin"})
    assert len(listed.json()["items"]) == 1


async def test_fewer_letters_by_a_button(house: Opened) -> None:
    """The link of a letter shows what stops; the button stops it, also the second time."""
    visitor = house.visitor()
    key = Keyring.open(house.folder / "keys").notifications_key()
    token = Links(derived(key, b"farewells")).make("unsubscribe", "somebodys-mark")
    page = await visitor.get(f"/en/u/{token}")
    for _ in range(2):
        done = await visitor.follow(await visitor.send(page))
        assert "No more such letters" in done.text


async def test_unsubscribing_needs_a_button(house: Opened) -> None:
    """The page of the link only asks; a link of nobody is told as one."""
    visitor = house.visitor()
    page = await visitor.get("/sv/u/link_nobody.signature")
    assert "Sluta skicka sådana brev" in page.text
    refused = await visitor.send(page)
    assert refused.status_code == 404
    assert "Länken fungerar inte" in refused.text
