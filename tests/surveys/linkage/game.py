"""One round of the game: a survey is lived through, then the adversary guesses."""

import io
import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from prometheus_client import generate_latest

from services.surveys.box import BallotBoxes
from shared.ids import new_id
from shared.store import Store
from tests.surveys.linkage.attacks import ATTACKS, Guesses
from tests.surveys.linkage.evidence import Evidence, history, read_files, read_state
from tests.surveys.linkage.leaks import GlassBoxes, Leak, Post, glass_box
from tests.surveys.scene import Scene, scene

STORE = "surveys.sqlite"
WEIGHTS = (4, 10, 20, 36, 30)


@dataclass
class Truth:
    """What the adversary wants to know: by person, and by "words of" and "ballot of" person."""

    ratings: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    spent: list[str] = field(default_factory=list)
    """The secrets in the order in which they were spent."""


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
            store._provided[BallotBoxes] = GlassBoxes(here.it.keyring)  # noqa: SLF001 -- a planted leak
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
    survey_id = await here.opened(people)
    tokens = await here.tokens(survey_id)
    random.SystemRandom().shuffle(tokens)  # as notifications hands them out
    held = dict(zip(persons, tokens, strict=True))
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
        text = f"Ord {chance.getrandbits(64):016x} {'å' * chance.randrange(200)}"
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
    *_, evidence.log = history(files["log.sqlite"], files.get("log.sqlite-wal", b""))
    evidence.lines = lines.getvalue()
    evidence.metrics = generate_latest(here.it.service.metrics.registry).decode()
    read = here.it.service.store
    evidence.texts = await _texts(read, survey_id)


async def _texts(store: Store, survey_id: str) -> list[str]:
    from sqlalchemy import select
    from sqlmodel import col

    from services.surveys.models import Words

    async with store.read() as reader:
        statement = select(col(Words.text)).where(col(Words.survey_id) == survey_id)
        return list((await reader.scalars(statement)).all())


def _backup(path: Path) -> dict[str, object]:
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
