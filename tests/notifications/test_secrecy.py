"""Whatever comes in whatever order, one ballot each; and no stored byte shows one afterwards."""

import io
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.notifications.models import Ballot
from shared.contracts.events import RegistrationAttended, RegistrationNoShow
from shared.contracts.message import Message
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.conftest import Rounds
from tests.notifications.scene import (
    EVENT,
    NOON,
    SURVEY,
    Scene,
    attendance_closed,
    event,
    fact,
    invited,
    scene,
    survey_closed,
)

pytestmark = pytest.mark.anyio

AFTER = NOON + timedelta(days=41)


def attended(registration: str, *, came: bool = True) -> Message:
    """Return that somebody came, or did not."""
    kind: type[Any] = RegistrationAttended if came else RegistrationNoShow
    said: Message = fact(kind, registration, contact_given=False)
    return said


def lines(it: Scene, rng: random.Random) -> tuple[list[list[tuple[Message, int]]], set[str]]:
    """Return what is told, a list for each order that holds, and who is to be asked."""
    facts: list[tuple[Message, int]] = []
    contacts: list[tuple[Message, int]] = []
    asked = set()
    for number in range(rng.randint(3, 8)):
        registration = f"r{number}"
        words = [rng.random() < 0.7 for _ in range(rng.randint(1, 3))]
        facts += [(attended(registration, came=w), place) for place, w in enumerate(words, 1)]
        if rng.random() < 0.8:
            address = f"{registration}@example.org"
            contacts += [(it.contact(registration, email=address), 1)] * rng.randint(1, 2)
            asked |= {address} if words[-1] else set()
    shuffled = sorted(facts, key=lambda each: (each[1], rng.random()))
    rng.shuffle(contacts)
    shuffled.append((attendance_closed(len(asked)), 1))
    parts = rng.randint(1, 3)
    made = [
        (it.ballots(*(f"{part}-{n}-{'x' * 30}" for n in range(8)), part=part, parts=parts), 1)
        for part in range(1, parts + 1)
    ]
    known: list[tuple[Message, int]] = [(event(), 1)]
    return [shuffled, contacts, [*made], known], asked


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_one_invitation_each_in_any_order(
    make_url: MakeUrl, tmp_path: Path, dialect: str, seed: int, rounds: Rounds
) -> None:
    """Topics interleave, batches repeat, the inbox forgets: who came has one letter, no one two."""
    for turn in range(rounds(sample=3 if dialect == "sqlite" else 1, whole=100)):
        rng = random.Random(seed + turn)
        folder = tmp_path / str(turn)
        folder.mkdir()
        async with scene(make_url, folder, dialect=dialect, at=AFTER) as it:
            waiting, asked = lines(it, rng)
            while any(waiting):
                batch = [
                    line.pop(0)
                    for line in rng.choices([each for each in waiting if each], k=4)
                    if line
                ]
                for message, sequence in batch:
                    await it.hear(message, sequence=sequence)
                if rng.random() < 0.2:
                    await it.forget_inbox()
                    await it.repeat()
            await it.repeat()
            await it.move(timedelta(minutes=11))  # an event that came last is looked for again
            assert set(invited(it.mails())) == asked, f"seed {seed + turn}"
            await it.hear(survey_closed())
            await it.forget_inbox()
            await it.repeat()
            assert set(invited(it.mails())) == asked, f"seed {seed + turn}"


async def test_no_stored_byte_shows_a_ballot(
    make_url: MakeUrl, tmp_path: Path, stream: io.StringIO
) -> None:
    """Neither store, nor its WAL, nor the bus, nor a log line, while it waits or when it is sent.

    What the store kept of it, unreadable, is gone too an hour after the letter was sent.
    """
    secrets = [f"secret-{each}-{'z' * 30}" for each in range(12)]
    async with scene(make_url, tmp_path, at=AFTER) as it:
        closed_folder = tmp_path / "mail"
        closed_folder.write_text("in the way")  # no mail can be written
        await it.hear(event())
        for number in range(10):
            registration = f"r{number}"
            await it.hear(it.contact(registration, email=f"{registration}@example.org"))
            await it.hear(attended(registration), sequence=2)
        await it.hear(it.ballots(*secrets))
        async with it.it.service.store.read() as reader:
            kept = [each.locked for each in (await reader.scalars(select(Ballot))).all()]
        assert len(kept) == 12
        await it.hear(attendance_closed(12))
        waiting = [each.letter or "" for each in await it.deliveries()]
        assert len([letter for letter in waiting if any(each in letter for each in kept)]) == 10
        assert shown(tmp_path, secrets) == []
        assert len(shown(tmp_path, kept)) > 0
        closed_folder.unlink()
        await it.move(timedelta(hours=1))
        assert len(invited(it.mails())) == 10
        assert set(invited(it.mails()).values()) < {f"{SURVEY}.{each}" for each in secrets}
        assert shown(tmp_path, secrets) == []
        await it.hear(survey_closed())
        await it.move(timedelta(hours=2))
        assert shown(tmp_path, [*secrets, *kept]) == []
    assert shown(tmp_path, [*secrets, *kept]) == []
    assert EVENT in "".join(stored(tmp_path))  # the bytes are those of the store
    assert "notifications.ballots" in stream.getvalue()
    assert not any(each in stream.getvalue() for each in [*secrets, *kept])


def stored(folder: Path) -> list[str]:
    """Return all bytes of stores and bus, their WAL included, and the names of the mails."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".eml"]
    names = [path.name for path in folder.rglob("*.eml")]
    return [path.read_bytes().decode("latin-1") for path in files] + names


def shown(folder: Path, texts: list[str]) -> list[str]:
    """Return which of the texts any stored byte shows."""
    everything = "".join(stored(folder))
    return [each for each in texts if each in everything]
