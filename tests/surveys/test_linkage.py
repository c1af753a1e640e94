"""The linkage game: with every stored byte, nobody tells who answered or wrote what.

The adversary knows the order in which people answered and wrote, their ids and addresses, and
what was released. It holds the stores of surveys and notifications with their logs, the topics,
two copies of surveys' store taken in between, log lines and metrics; not the mails, which are
the people's, nor the keys, which lie beside the stores (those of the boxes go with the close).
"""

import io
import random
from math import sqrt
from pathlib import Path

import pytest

from services.surveys.rules.ballots import ballot_hash, derived
from tests.conftest import Rounds
from tests.surveys.linkage.attacks import ATTACKS
from tests.surveys.linkage.game import Round, Scores, play
from tests.surveys.linkage.leaks import LEAKS

pytestmark = pytest.mark.anyio


@pytest.mark.campaign
async def test_nobody_is_linked_to_an_answer(
    tmp_path: Path, stream: io.StringIO, seed: int, rounds: Rounds
) -> None:
    """Over all rounds no attack does better than chance and three standard deviations."""
    scores = {attack: Scores() for attack in ATTACKS}
    places: list[float] = []
    people = 0
    for number in range(rounds(sample=2, whole=20)):
        chance = random.Random(f"{seed}:{number}")
        people = chance.choice((60, 80)) if number < 2 else chance.randrange(60, 201)
        stream.seek(0)
        stream.truncate()
        folder = tmp_path / f"round-{number}"
        played = await play(folder, chance.getrandbits(32), people, stream)
        for attack, score in scores.items():
            score.add(played, attack)
        places.extend(correlations(played))
        _see_everything(played)
    better = {attack: score for attack, score in scores.items() if not score.is_chance}
    assert not better, f"seed {seed}: {better}"
    mean = sum(places) / len(places)
    assert abs(mean) <= 3 / sqrt(len(places) * (60 - 1)), f"seed {seed}: {mean}"


@pytest.mark.parametrize("name", LEAKS)
async def test_a_planted_leak_is_found(
    tmp_path: Path, stream: io.StringIO, seed: int, name: str
) -> None:
    """The same attacks tell who answered what as soon as one of the usual leaks is there."""
    played = await play(tmp_path / name, seed, 40, stream, LEAKS[name])
    found = []
    for attack in ATTACKS:
        scores = Scores()
        scores.add(played, attack)
        if not scores.is_chance:
            found.append(attack)
    assert FOUND_BY[name] in found, f"seed {seed}: found by {found}"


FOUND_BY = {
    "serial_answer_row": "storage_order",
    "created_at": "id_and_time_order",
    "unsalted_hash": "known_identifiers",
    "token_in_the_log": "log_lines",
    "idempotency_row": "known_identifiers",
    "message_per_answer": "messages",
    "glass_box": "history_of_commits",
}
"""The attack that each leak is there for; others may find it too."""


def correlations(played: Round) -> list[float]:
    """Return how orders that people are known by go with the places of their ballots.

    The order of answers with the places in each backup, that of arrival with the sealed messages.
    """
    found = []
    for backup in played.evidence.backups:
        for purpose in ("rating", "words"):
            table = backup["ballot"]
            hashes = [
                row[table.columns.index("hash")]
                for row in table.rows
                if row[table.columns.index("purpose")] == purpose
            ]
            places = [
                hashes.index(ballot_hash(derived(secret, purpose))) for secret in played.truth.spent
            ]
            found.append(_correlation(places))
    found.append(_correlation([played.truth.made.index(token) for token in played.truth.held]))
    return found


def _correlation(places: list[int]) -> float:
    """Return Spearman's rank correlation of a permutation with the order it stands in."""
    n = len(places)
    return 1 - 6 * sum((at - place) ** 2 for at, place in enumerate(places)) / (n * (n * n - 1))


def _see_everything(played: Round) -> None:
    """Hold the evidence to be whole: a game without evidence is won by nobody."""
    evidence = played.evidence
    assert len(evidence.states) > len(evidence.answerers) + len(evidence.writers)
    assert sorted(evidence.texts) == sorted(played.truth.words.values())
    assert len(evidence.backups) == 2
    assert "surveys.sqlite-wal" in evidence.files
    assert evidence.log["records"].rows
    assert len(evidence.others) > len(evidence.answerers)
    for content in (*evidence.files.values(), *evidence.post.values()):
        assert not any(secret.encode() in content for secret in played.truth.spent)
    assert '"route": "/v1/surveys/{survey_id}/answers"' in evidence.lines
    assert "/v1/surveys/{survey_id}/answers" in evidence.metrics
