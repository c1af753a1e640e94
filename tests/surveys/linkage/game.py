"""One round of the game: a survey is lived through, then the adversary guesses."""

import io
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from math import sqrt
from pathlib import Path

from prometheus_client import generate_latest
from sqlalchemy import select
from sqlmodel import col

from services.notifications.app import create_service as create_post
from services.notifications.settings import Settings
from services.surveys.box import BallotBoxes
from services.surveys.models import Words
from shared.contracts.events import EventContact, EventContactGiven, RegistrationAttended
from shared.ids import new_id
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.service import Service
from shared.store import Store
from tests.notifications.scene import invited, parsed
from tests.surveys.linkage.attacks import ATTACKS, Guesses
from tests.surveys.linkage.evidence import Evidence, State, history, read_files, read_state
from tests.surveys.linkage.leaks import GlassBoxes, Leak, Post, glass_box
from tests.surveys.scene import EVENT, Scene, published, scene

STORE = "surveys.sqlite"
POST = "notifications.sqlite"
WEIGHTS = (4, 10, 20, 36, 30)


@dataclass
class Truth:
    """What the adversary wants to know: by person, and by "words of" and "ballot of" person."""

    ratings: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    spent: list[str] = field(default_factory=list)
    """The secrets in the order in which they were spent."""
    made: list[str] = field(default_factory=list)
    """The tokens in the order in which they were sent, sealed, to notifications."""
    held: list[str] = field(default_factory=list)
    """The tokens in the order in which their holders came."""


@dataclass
class Round:
    """A survey that was lived through."""

    truth: Truth
    evidence: Evidence


async def play(
    folder: Path, seed: int, people: int, lines: io.StringIO, leak: Leak | None = None
) -> Round:
    """Have `people` answer a survey, half of them write, and return what is left of it."""
    chance = random.Random(seed)
    folder.mkdir()

    async def make_url(_: str) -> str:
        return f"sqlite:///{folder / STORE}"

    async with scene(make_url, folder, "sqlite") as here:
        if leak is glass_box:
            store = here.it.service.store
            store._provided[BallotBoxes] = GlassBoxes(here.it.keyring)
        return await _live(here, chance, people, folder, lines, leak)


async def _live(
    here: Scene,
    chance: random.Random,
    people: int,
    folder: Path,
    lines: io.StringIO,
    leak: Leak | None,
) -> Round:
    truth, evidence = Truth(), Evidence()
    persons = [f"person {number}" for number in range(people)]
    for number, person in enumerate(persons):
        evidence.identifiers[person] = [new_id(), f"person.{number}@example.org"]
    async with post_office(here, folder) as office:
        await _gather(here, evidence.identifiers)
        survey_id = await here.opened(people)
        await until_quiet([here.it.service.quiet, office.quiet], seconds=60)
        held = _mailed(folder, evidence.identifiers)
        evidence.post = read_files(folder)
    assert len(set(held.values())) == people
    truth.made = await here.tokens(survey_id)
    truth.held = [held[person] for person in persons]
    posts = [(person, "answer") for person in chance.sample(persons, people)]
    posts += [(person, "words") for person in chance.sample(persons, people // 2)]
    chance.shuffle(posts)
    store = here.it.service.store
    for number, (person, kind) in enumerate(posts, start=1):
        here.clock.move(here.clock.now() + timedelta(seconds=chance.uniform(5, 900)))
        post = await _post(here, chance, survey_id, person, held[person], kind, truth, evidence)
        if leak is not None:
            await leak(store, post)
        if number in (len(posts) // 3, 2 * len(posts) // 3):
            evidence.backups.append(_backup(folder / STORE))
            evidence.answered_by.append(len(evidence.answerers))
            evidence.written_by.append(len(evidence.writers))
    await here.close(survey_id)
    await _collect(here, folder, lines, evidence, survey_id)
    evidence.mode = Counter(truth.ratings.values()).most_common(1)[0][0]
    return Round(truth, evidence)


@asynccontextmanager
async def post_office(here: Scene, folder: Path) -> AsyncIterator[Service]:
    """Run notifications on the same bus: it hands the ballots out and mails them."""
    url = f"sqlite:///{folder / POST}"
    values = {"data": folder, "DATABASE_URL": url, "source": "https://test.example"}
    settings = Settings.model_validate(values)
    service = create_post(settings, here.clock, here.it.bus, here.it.keyring, Metrics())
    await here.it.bus.declare([each.dead_letters for each in service.parts.subscriptions])
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def _gather(here: Scene, identifiers: Mapping[str, list[str]]) -> None:
    """Have everybody registered with an address, and come, in their order."""
    sealer = here.it.keyring.sealer()
    await here.it.hear(published(), sequence=1)
    for registration_id, address in identifiers.values():
        contact = EventContact(
            name="Nomen Nescio",
            email=address,
            language="sv",
            event_id=EVENT,
            manage_token=f"link_{registration_id}",
        )
        given = EventContactGiven(
            registration_id=registration_id, sealed=sealer.seal(contact.encode())
        )
        came = RegistrationAttended(
            event_id=EVENT, year=2023, registration_id=registration_id, contact_given=True
        )
        await here.it.hear(given, came, sequence=1)


def _mailed(folder: Path, identifiers: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the token in each person's mail: each reads no other's."""
    mails = [parsed(path.read_bytes()) for path in (folder / "mail").glob("*.eml")]
    by_address = invited(mails)
    return {person: by_address[address] for person, (_, address) in identifiers.items()}


async def _post(
    here: Scene,
    chance: random.Random,
    survey_id: str,
    person: str,
    token: str,
    kind: str,
    truth: Truth,
    evidence: Evidence,
) -> Post:
    registration_id = evidence.identifiers[person][0]
    secret = token.split(".")[1]
    if kind == "answer":
        [rating] = chance.choices(range(1, 6), WEIGHTS)
        answer = await here.answer(survey_id, token, rating)
        truth.ratings[person] = rating
        truth.secrets[f"ballot of {person}"] = secret
        truth.spent.append(secret)
        evidence.answerers.append(person)
        post = Post(registration_id, token, rating, None)
    else:
        text = f"Ord {chance.getrandbits(64):016x} {'å' * chance.randrange(1, 200)}"
        answer = await here.write(survey_id, token, text)
        truth.words[f"words of {person}"] = text
        evidence.writers.append(person)
        post = Post(registration_id, token, None, text)
    assert answer.status_code == 204, answer.text
    return post


async def _collect(
    here: Scene, folder: Path, lines: io.StringIO, evidence: Evidence, survey_id: str
) -> None:
    """Take every stored byte while the house still runs, and what is read of it in the end."""
    evidence.files = read_files(folder)
    files = evidence.files
    evidence.states = list(history(files[STORE], files.get(f"{STORE}-wal", b"")))
    evidence.others = list(history(evidence.post[POST], evidence.post.get(f"{POST}-wal", b"")))
    *_, evidence.log = history(files["log.sqlite"], files.get("log.sqlite-wal", b""))
    evidence.lines = lines.getvalue()
    evidence.metrics = generate_latest(here.it.service.metrics.registry).decode()
    evidence.texts = await _texts(here.it.service.store, survey_id)


async def _texts(store: Store, survey_id: str) -> list[str]:
    async with store.read() as reader:
        statement = select(col(Words.text)).where(col(Words.survey_id) == survey_id)
        return list((await reader.scalars(statement)).all())


def _backup(path: Path) -> State:
    """Return the store as a backup at this moment holds it."""
    source, target = sqlite3.connect(path), sqlite3.connect(":memory:")
    source.backup(target)
    state = read_state(target.serialize())
    source.close()
    target.close()
    return state


def guess(evidence: Evidence, attack: str) -> Guesses:
    """Return an attack's guesses; where it has none, the best ones without evidence."""
    return dict.fromkeys(evidence.answerers, evidence.mode) | ATTACKS[attack](evidence)


@dataclass
class Score:
    """Right guesses over several rounds, beside what chance gives."""

    right: int = 0
    expected: float = 0.0
    variance: float = 0.0

    @property
    def is_chance(self) -> bool:
        """Whether it is no better than chance and three standard deviations."""
        return self.right <= self.expected + 3 * sqrt(self.variance)

    def add(self, right: int, expected: float, variance: float) -> None:
        """Count another round."""
        self.right += right
        self.expected += expected
        self.variance += variance


@dataclass
class Scores:
    """How well an attack told ratings, words and ballots."""

    ratings: Score = field(default_factory=Score)
    words: Score = field(default_factory=Score)
    ballots: Score = field(default_factory=Score)

    def add(self, played: Round, attack: str) -> None:
        """Let the attack guess once more.

        By chance the commonest rating is right as often as it was given; of a random order of
        words or ballots one place is right, give or take one.
        """
        truth, guesses = played.truth, guess(played.evidence, attack)
        people = len(truth.ratings)
        most = sum(rating == played.evidence.mode for rating in truth.ratings.values())
        share = most / people
        self.ratings.add(_right(truth.ratings, guesses), most, people * share * (1 - share))
        self.words.add(_right(truth.words, guesses), 1, 1)
        self.ballots.add(_right(truth.secrets, guesses), 1, 1)

    @property
    def is_chance(self) -> bool:
        """Whether none of the three is better than chance."""
        return self.ratings.is_chance and self.words.is_chance and self.ballots.is_chance


def _right(truth: Mapping[str, object], guesses: Guesses) -> int:
    return sum(guesses.get(about) == answer for about, answer in truth.items())
