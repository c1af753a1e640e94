"""Who is erased is gone from every stored byte, and comes back by no replay and no restore."""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.events.persons import Persons
from services.notifications.rules import recipient_hash
from services.notifications.writing.safe import Marks
from shared.messaging.embedded.log import EmbeddedLog
from shared.security.keyring import Keyring
from tests.failures.processes import Child, ended
from tests.journeys.house import Caller, House, entered
from tests.journeys.journey import BEGIN, ENDS, STARTS, WHEN
from tests.journeys.test_canaries import bytes_of, forms

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NAME = "Quetzalina Erasdottir"
ADDRESS = "quetzalina.Erased@canary.example"
NEED = "kaprifolallergi"
STORES = ("events", "booking", "notifications", "reporting", "gateway", "directory")
RESTORED = ("events", "booking", "notifications")
LATER = STARTS + timedelta(days=60)


@dataclass
class Ids:
    """What the person has left: a past and a coming registration, a booking; who waits behind."""

    past: str
    coming: str
    next_in_line: str
    booking: str
    token: str


async def test_whoever_is_erased_is_gone_and_stays_gone(tmp_path: Path) -> None:
    """No stored byte tells of the person: at once, after expiry, a replay, a restore; counts stay.

    What is looked for was there before, and whatever is put back by hand is found.
    """
    data, log = tmp_path / "data", tmp_path / "log.txt"
    environment = {"ANDAN_DATA": str(data), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    child = Child("services", log=log, environment=environment)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            ids = await live(house)
            figures = await figures_of(house)
            secrets = sought(data)
            seen = {each.partition(" in ")[0] for each in found(data, log, secrets)}
            assert seen >= {"name", "address", "need", "person of 2023", "mark", "recipient"}
            copies = put_aside(data, tmp_path / "backup")
            sealed = sealed_bytes(data)
            await erase(house, ids)
            assert found(data, log, secrets) == []
            metrics = (await house.admin.client.get("/metrics")).content
            assert not any(form in metrics for canary in secrets.values() for form in forms(canary))
            assert await figures_of(house) == figures
            now = (await house.admin.get("/v1/clock"))["now"]
        assert child.terminate() == 0
        assert found(data, log, secrets) == []
        expire(data)
        content = b"".join(path.read_bytes() for path in data.glob("log.sqlite*"))
        assert len(sealed) >= 3
        assert not any(each in content for each in sealed), "sealed contacts outlive their week"
        child.environment["ANDAN_REPLAY_FROM"] = now
        forget_stores(data, "notifications", "reporting")
        rewind(data)
        await returns_nobody(child, data, log, secrets, figures, ids)
        restore(data, copies)
        assert found(data, log, secrets), "the copy brings the person back"
        await returns_nobody(child, data, log, secrets, figures, ids)
    for where in plant(data, log):
        assert any(where in each for each in found(data, log, secrets)), where


async def live(house: House) -> Ids:
    """Let a person book, register for two events and attend one, with somebody behind in line."""
    desk = await house.holder("registrations:write", "registrations:read", "attendance:write")
    booking = await booked(house)
    past = await published(house, capacity=5, **WHEN)
    ends = LATER + timedelta(hours=2)
    coming = await published(
        house, capacity=1, starts_at=LATER.isoformat(), ends_at=ends.isoformat()
    )
    mine = [await register(desk, event, NAME, ADDRESS) for event in (past, coming)]
    other = await register(desk, past, "Someone Else", "else@canary.example")
    behind = await register(desk, coming, "Next Line", "next@canary.example")
    assert behind["status"] == "waitlisted"
    await house.rest()
    public = await house.caller()
    again = {"name": NAME, "contact": {"email": ADDRESS}, "sector": "academia", "language": "sv"}
    await public.post(f"/v1/events/{past}/registrations", again)
    await public.post("/v1/registration-links", {"email": ADDRESS}, expect=202)
    await house.until(STARTS + timedelta(minutes=30))
    for each in (mine[0], other):
        came = {"attended": True}
        await desk.post(f"/v1/registrations/{each['id']}/attendance", came, expect=200)
    await house.until(ENDS + timedelta(days=4))
    token = mine[0]["manage_url"].rpartition("/")[2]
    return Ids(mine[0]["id"], mine[1]["id"], behind["id"], booking, token)


async def booked(house: House) -> str:
    """Book a room with the person as its contact; return the booking's id."""
    organisation = await house.admin.post(
        "/v1/organisations", {"name": "Föreningen", "kind": "association"}
    )
    venue = await house.admin.post("/v1/venues", {"name": "Huset", "time_zone": "Europe/Stockholm"})
    room = {"venue_id": venue["id"], "name": "Salen", "capacity": 40}
    room_id = (await house.admin.post("/v1/rooms", room))["id"]
    await house.rest()
    member = await house.holder("booking:write", organisation_id=organisation["id"])
    wish = {
        "room_id": room_id,
        "organisation_id": organisation["id"],
        "purpose": "årsmöte",
        "expected_people": 30,
        "contact": {"name": NAME, "email": ADDRESS, "language": "sv"},
        **WHEN,
    }
    return str((await member.post("/v1/bookings", wish, key="wish"))["id"])


async def published(house: House, **more: Any) -> str:
    """Publish an event with a waiting list; return its id."""
    event = {"format": "seminarium", "titles": {"sv": "Seminarium"}, "place": "Huset"}
    more |= {"time_zone": "Europe/Stockholm", "waiting_list": True}
    made = await house.admin.post("/v1/events", event | more)
    await house.admin.post(f"/v1/events/{made['id']}/publication", expect=200)
    await house.rest()
    return str(made["id"])


async def register(desk: Caller, event_id: str, name: str, address: str) -> dict[str, Any]:
    """Register somebody at the desk, with a need and a key that is kept."""
    body = {
        "name": name,
        "contact": {"email": address},
        "sector": "academia",
        "language": "sv",
        "needs": [{"kind": "food", "detail": NEED if name == NAME else "nuts"}],
    }
    return await desk.post(
        f"/v1/events/{event_id}/registrations", body, key=f"{event_id}-{name[0]}"
    )


async def erase(house: House, ids: Ids) -> None:
    """Erase the person by the link from a mail, and as contact; a repeat answers alike."""
    link = await house.caller(ids.token)
    path = f"/v1/registrations/{ids.past}/erasure"
    first = await link.post(path, expect=200)
    assert first["status"] == "attended"
    assert await link.post(path, expect=200) == first
    for _ in range(2):
        await house.admin.post(f"/v1/bookings/{ids.booking}/contact-erasure", expect=200)
    now = datetime.fromisoformat((await house.admin.get("/v1/clock"))["now"])
    await house.until(now + timedelta(minutes=5))
    await is_erased(house, ids)
    promoted = await house.admin.get(f"/v1/registrations/{ids.next_in_line}")
    assert promoted["status"] == "confirmed"


async def is_erased(house: House, ids: Ids) -> None:
    """See that the registrations stand as they should, without a person; nothing is parked."""
    shown = [await house.admin.get(f"/v1/registrations/{each}") for each in (ids.past, ids.coming)]
    assert [each["status"] for each in shown] == ["attended", "cancelled"]
    assert [each.get("name") for each in shown] == [None, None]
    assert await house.admin.every("/v1/dead-letters") == []


async def returns_nobody(
    child: Child, data: Path, log: Path, secrets: dict[str, str], figures: Any, ids: Ids
) -> None:
    """Start the house on the stores as they are; once it is ready, nobody has come back."""
    await child.start().until_ready()
    async with entered(child.url, data, data / "mail") as house:
        shown = await house.admin.get(f"/v1/registrations/{ids.past}")
        assert shown.get("name") is None, "it answers before it has heard who is erased"
        await house.rest()
        now = datetime.fromisoformat((await house.admin.get("/v1/clock"))["now"])
        await house.until(now + timedelta(minutes=5))
        await is_erased(house, ids)
        assert await figures_of(house) == figures
        assert found(data, log, secrets) == []
        child.environment["ANDAN_REPLAY_FROM"] = (now + timedelta(minutes=5)).isoformat()
    assert child.terminate() == 0
    assert found(data, log, secrets) == []


async def figures_of(house: House) -> dict[tuple[str, str | None], str]:
    """Return the figures of the year."""
    items = await (await house.caller()).every("/v1/years/2023/figures")
    figures = {(each["key"], each["event_id"]): each["value"] for each in items}
    assert figures["participants", None] == "2"
    return figures


def sought(data: Path) -> dict[str, str]:
    """Return all that tells of the person, by what it is: plain, and in every hash there is."""
    with closing(sqlite3.connect(data / "stores" / "notifications.sqlite")) as store:
        causes = [row[0] for row in store.execute("SELECT message_id FROM delivery")]
    return telling(Keyring.open(data / "keys"), causes)


def telling(keyring: Keyring, causes: Sequence[str]) -> dict[str, str]:
    """Return the same, by the keys of the house and the ids of what letters were written about."""
    hashes = {
        f"{algorithm} of {what}": hashlib.new(algorithm, text.encode()).hexdigest()
        for algorithm in ("md5", "sha1", "sha256")
        for what, text in (("address", ADDRESS), ("same address", ADDRESS.casefold()))
    }
    recipients = {f"recipient {each}": recipient_hash(each, ADDRESS) for each in causes}
    return {
        "name": NAME,
        "address": ADDRESS,
        "need": NEED,
        "person of 2023": Persons(keyring).hash(2023, NAME, ADDRESS),
        "mark": Marks(keyring.notifications_key()).mark(ADDRESS),
        **hashes,
        **recipients,
    }


def found(data: Path, log: Path, secrets: dict[str, str]) -> list[str]:
    """Say what of the person lies where, in all that is stored and was logged."""
    kept = bytes_of(data, of_owners=True) | bytes_of(data, of_owners=False)
    kept["log lines"] = log.read_bytes()
    return [
        f"{what.partition(' 0')[0]} in {where}"
        for where, content in kept.items()
        for what, canary in secrets.items()
        if any(form in content for form in forms(canary))
    ]


def sealed_bytes(data: Path) -> list[bytes]:
    """Return the sealed contacts that lie on the bus."""
    with closing(sqlite3.connect(data / "log.sqlite")) as bus:
        values = [row[0] or b"" for row in bus.execute("SELECT value FROM records")]
    parts = [value.partition(b'"sealed":"')[2].partition(b'"')[0] for value in values]
    return [part for part in parts if part]


def expire(data: Path) -> None:
    """Let the bus clean itself as it does once a week is over."""
    bus = EmbeddedLog(data / "log.sqlite", clock_time=lambda: time.time() + 8 * 86_400)
    bus.open()
    bus.clean()
    bus.close()


def put_aside(data: Path, folder: Path) -> Path:
    """Back the stores up while the house runs."""
    folder.mkdir()
    for name in RESTORED:
        with (
            closing(sqlite3.connect(data / "stores" / f"{name}.sqlite")) as store,
            closing(sqlite3.connect(folder / f"{name}.sqlite")) as copy,
        ):
            store.backup(copy)
    return folder


def forget_stores(data: Path, *names: str) -> None:
    """Let stores be lost."""
    for name in names:
        for path in (data / "stores").glob(f"{name}.sqlite*"):
            path.unlink()


def rewind(data: Path) -> None:
    """Have the whole bus heard again by everybody."""
    with closing(sqlite3.connect(data / "log.sqlite")) as bus, bus:
        bus.execute("UPDATE committed SET next_offset = 0")


def restore(data: Path, copies: Path) -> None:
    """Put the older copies in place of the stores."""
    forget_stores(data, *RESTORED)
    for name in RESTORED:
        shutil.copy(copies / f"{name}.sqlite", data / "stores" / f"{name}.sqlite")


def plant(data: Path, log: Path) -> Iterator[str]:
    """Leak something of the person in one place after another; say where."""
    for name in STORES:
        store = data / "stores" / f"{name}.sqlite"
        with closing(sqlite3.connect(store)) as leaking, leaking:
            leaking.execute("INSERT INTO about VALUES ('leak', ?)", (ADDRESS,))
        yield f"stores/{name}.sqlite"
    (data / "mail" / "leak.eml").write_text(f"To: {NAME} <{ADDRESS.lower()}>", "utf-8")
    yield "mail/leak.eml"
    with log.open("ab") as lines:
        lines.write(Persons(Keyring.open(data / "keys")).hash(2023, NAME, ADDRESS).encode())
    yield "log lines"
