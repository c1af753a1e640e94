"""Personal data stays with its owners: canaries are looked for in everything else that is kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.failures.processes import Child, ended
from tests.journeys.house import House, entered
from tests.journeys.journey import BEGIN, ENDS, STARTS, WHEN
from tests.reporting.counter import Record
from tests.reporting.lived import records_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OWNERS = {
    "stores/events.sqlite",
    "stores/booking.sqlite",
    "stores/notifications.sqlite",
    "mail",
    "keys",
    "admin-key",
}
"""Where personal data and secrets belong; all else that lies in the data folder must be free."""
CANARIES = {
    "name at the desk": "Quokkaline Desksdottir",
    "name at the form": "Zorblatt Formsson",
    "name of a contact": "Ixchel Contactsson",
    "address at the desk": "quokkaline.desk@canary.example",
    "address at the form": "zorblatt.form@canary.example",
    "address of a contact": "ixchel.contact@canary.example",
    "address of nobody": "never.registered@canary.example",
    "telephone": "+46701740605",
    "need": "vitsippeallergi",
    "purpose": "kanariefågelmöte",
    "reason": "ärendet-gällde-xylofoner",
    "misplaced": "misplaced.canary@canary.example",
}
"""What must not turn up, by what it is."""


@dataclass
class Lived:
    """What a day at the house left outside: secrets that were seen, and two pairs of entries."""

    secrets: dict[str, str]
    same_person: tuple[str, str]
    two_persons: tuple[str, str]
    metrics: str


async def test_nothing_personal_leaves_its_owners(tmp_path: Path) -> None:
    """No name, address, need, purpose or secret in log, other stores, metrics or log lines."""
    data, log = tmp_path / "data", tmp_path / "log.txt"
    environment = {"ANDAN_DATA": str(data), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    child = Child("services", log=log, environment=environment)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            lived = await live(house)
        owned = b"".join(bytes_of(data, of_owners=True).values())
        for what in ("name at the desk", "address at the desk", "purpose", "need"):
            assert CANARIES[what].encode() in owned, f"the test would see nothing: {what}"
        kept = bytes_of(data, of_owners=False)
        assert child.terminate() == 0
    kept["metrics"] = lived.metrics.encode()
    kept["log lines"] = log.read_bytes()
    kept |= {f"{name}, at rest": each for name, each in bytes_of(data, of_owners=False).items()}
    assert {"log.sqlite-wal", "stores/reporting.sqlite-wal", "stores/gateway.sqlite"} <= kept.keys()
    looked_for = CANARIES | lived.secrets
    found = [
        f"{what} in {where}"
        for where, content in kept.items()
        for what, canary in looked_for.items()
        if any(form in content for form in forms(canary))
    ]
    assert found == []
    records = records_of(data / "log.sqlite")
    assert common(records, *lived.same_person) <= common(records, *lived.two_persons)


async def live(house: House) -> Lived:
    """Book, register, be refused, cancel and be erased, with canaries in every field there is."""
    desk = await house.holder("registrations:write", "registrations:read", "attendance:write")
    secrets = await booked(house)
    events = [await published(house) for _ in range(2)]
    token, asked = await by_the_form(house, events[0])
    at_desk = {
        "name": f"{CANARIES['name at the desk']} {CANARIES['telephone']}",
        "contact": {"email": CANARIES["address at the desk"]},
        "sector": "academia",
        "language": "en",
        "needs": [{"kind": "food", "detail": CANARIES["need"]}],
    }
    first, second = [
        (await desk.post(f"/v1/events/{each}/registrations", at_desk, key=each))["id"]
        for each in events
    ]
    other = {**at_desk, "name": "Someone Else", "contact": {"email": "else@canary.example"}}
    third = (await desk.post(f"/v1/events/{events[1]}/registrations", other))["id"]
    await refused(house, events[0])
    for address in ("address at the desk", "address of nobody"):
        await house.admin.post("/v1/registration-links", {"email": CANARIES[address]}, expect=202)
    await house.until(STARTS + timedelta(minutes=30))
    for each in (first, second, third):
        came = {"attended": True}
        await desk.post(f"/v1/registrations/{each}/attendance", came, expect=200)
    await house.until(ENDS + timedelta(days=4))
    link = await house.caller(token)
    await link.post(f"/v1/registrations/{asked}/erasure", expect=200)
    await house.rest()
    metrics = (await house.admin.client.get("/metrics")).text
    secrets["link"] = token
    return Lived(secrets, (first, second), (first, third), metrics)


async def booked(house: House) -> dict[str, str]:
    """Book with a contact, have a request refused with a reason; return the secrets seen."""
    organisation = await house.admin.post(
        "/v1/organisations", {"name": "Föreningen", "kind": "association"}
    )
    venue = await house.admin.post("/v1/venues", {"name": "Huset", "time_zone": "Europe/Stockholm"})
    room = await house.admin.post(
        "/v1/rooms",
        {"venue_id": venue["id"], "name": "Salen", "capacity": 40, "needs_approval": True},
    )
    await house.rest()
    key = await house.admin.post(
        "/v1/api-keys",
        {"name": "k", "scopes": ["booking:write"], "organisation_id": organisation["id"]},
    )
    member = await house.caller(key["key"])
    wish = {
        "room_id": room["id"],
        "organisation_id": organisation["id"],
        "purpose": CANARIES["purpose"],
        "expected_people": 30,
        "contact": {
            "name": CANARIES["name of a contact"],
            "email": CANARIES["address of a contact"],
            "language": "sv",
        },
        **WHEN,
    }
    asked = await member.post("/v1/bookings", wish, key="wish")
    reason = {"reason": CANARIES["reason"]}
    await house.admin.post(f"/v1/bookings/{asked['id']}/rejection", reason, expect=200)
    await house.rest()
    return {"key": key["key"].rpartition("_")[2]}


async def published(house: House) -> str:
    """Publish an event; return its id."""
    event = await house.admin.post(
        "/v1/events",
        {"format": "seminarium", "titles": {"sv": "Seminarium"}, "capacity": 20}
        | {"time_zone": "Europe/Stockholm", "place": "Huset", **WHEN},
    )
    await house.admin.post(f"/v1/events/{event['id']}/publication", expect=200)
    await house.rest()
    return str(event["id"])


async def by_the_form(house: House, event_id: str) -> tuple[str, str]:
    """Register by the form, twice, and confirm by the mail; return the link's token and the id."""
    public = await house.caller()
    wish = {
        "name": CANARIES["name at the form"],
        "contact": {"email": CANARIES["address at the form"]},
        "sector": "academia",
        "language": "sv",
    }
    path = f"/v1/events/{event_id}/registrations"
    asked = await public.post(path, wish)
    await house.rest()
    token = house.link_for(CANARIES["address at the form"])
    link = await house.caller(token)
    await link.post(f"/v1/registrations/{asked['id']}/confirmation", expect=200)
    await public.post(path, wish)
    await house.rest()
    return token, str(asked["id"])


async def refused(house: House, event_id: str) -> None:
    """Put something personal wherever it does not belong; every time it is refused."""
    out_of_place = CANARIES["misplaced"]
    client = house.admin.client
    path = f"/v1/events/{event_id}/registrations"
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", path, {"json": {"name": out_of_place, "email": out_of_place}}),
        ("POST", path, {"json": {"name": "A", "sector": out_of_place}}),
        ("POST", path, {"json": {out_of_place: 1}}),
        ("POST", path, {"content": f'{{"name": "{out_of_place}'}),
        ("GET", "/v1/events", {"params": {"email": out_of_place}}),
        ("GET", "/v1/rooms", {"params": {out_of_place: "1"}}),
        ("GET", f"/v1/registrations/{quote(out_of_place)}", {}),
        ("GET", f"/{quote(out_of_place)}", {}),
        ("GET", "/v1/rooms", {"headers": {"Authorization": f"Bearer {out_of_place}"}}),
    ]
    for method, where, more in tries:
        answer: httpx2.Response = await client.request(method, where, **more)
        assert 400 <= answer.status_code < 500, (where, answer.status_code)


def bytes_of(data: Path, *, of_owners: bool) -> dict[str, bytes]:
    """Return the content of every file that belongs to the owners, or of every other."""
    files = {path.relative_to(data).as_posix(): path for path in sorted(data.rglob("*"))}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if path.is_file() and is_owned(name) == of_owners
    }


def is_owned(name: str) -> bool:
    """Tell whether a file is one in which personal data belongs."""
    return name.removesuffix("-wal").removesuffix("-shm").partition("/mail/")[0] in OWNERS or (
        name.partition("/")[0] in OWNERS
    )


def forms(canary: str) -> Iterator[bytes]:
    """Yield how a canary may be written: as it is, in other case, in JSON, in an address."""
    for text in (canary, canary.lower(), canary.casefold().replace(" ", "")):
        yield text.encode()
        yield json.dumps(text)[1:-1].encode()
        yield quote(text).encode()
        yield text.encode("utf-16-le")


def common(records: list[Record], *registrations: str) -> set[str]:
    """Return what the messages about these registrations have in common, keys and all."""
    of_each = [
        {
            text
            for record in records
            if record.subject == registration
            for text in (record.key, record.type, *texts(record.said))
        }
        for registration in registrations
    ]
    assert all(of_each), "there are messages about each"
    return set.intersection(*of_each)


def texts(said: dict[str, Any]) -> Iterator[str]:
    """Yield every value of a message's body as text."""
    for name, value in said.items():
        yield from texts(value) if isinstance(value, dict) else [f"{name}={value}"]
