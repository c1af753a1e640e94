"""Leaks to plant: what systems that call themselves anonymous do, one each."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

import structlog
from sqlalchemy import text

from services.surveys.box import BallotBoxes
from shared.contracts.message import Message
from shared.contracts.surveys import SurveyFact
from shared.ids import new_id
from shared.store import Store


@dataclass(frozen=True)
class Post:
    """One person's answer or words, as the leaking code sees it."""

    registration_id: str
    token: str
    rating: int | None
    words: str | None


Leak = Callable[[Store, Post], Awaitable[None]]


async def _write(store: Store, table: str, columns: str, values: dict[str, Any]) -> None:
    names = ", ".join(f":{name}" for name in values)
    async with store.work() as work:
        await work.execute(text(f"CREATE TABLE IF NOT EXISTS {table} ({columns})"))
        await work.execute(
            text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({names})"), values
        )


async def serial_answer_row(store: Store, post: Post) -> None:
    """Keep a row per answer, numbered as they come."""
    if post.rating is not None:
        columns = "id INTEGER PRIMARY KEY, rating INTEGER"
        await _write(store, "answer", columns, {"rating": post.rating})


async def created_at(store: Store, post: Post) -> None:
    """Keep words under a random key, with the microsecond they came in."""
    if post.words is not None:
        values = {
            "id": sha256(post.words.encode()).hexdigest(),
            "body": post.words,
            "created_at": store.clock.now().isoformat(timespec="microseconds"),
        }
        await _write(store, "comment", "id TEXT PRIMARY KEY, body TEXT, created_at TEXT", values)


async def unsalted_hash(store: Store, post: Post) -> None:
    """Keep the plain hash of the registration's id beside the answer, against doubles."""
    if post.rating is not None:
        sign = sha256(post.registration_id.encode()).hexdigest()
        columns = "sign TEXT PRIMARY KEY, rating INTEGER"
        await _write(store, "participation", columns, {"sign": sign, "rating": post.rating})


async def token_in_the_log(store: Store, post: Post) -> None:
    """Log the path that was asked for, with its token."""
    if post.rating is not None:
        structlog.get_logger().info("access", path=f"/sv/e/{post.token}")


async def idempotency_row(store: Store, post: Post) -> None:
    """Keep the request under the caller's key, so that a repeat gets the same answer."""
    if post.rating is not None:
        values = {
            "caller": "public",
            "key": post.registration_id,
            "fingerprint": sha256(b"").hexdigest(),
            "status": 204,
            "body": json.dumps({"rating": post.rating}).encode(),
            "at": store.clock.now().isoformat(),
        }
        await _write(store, "idempotency", "caller TEXT", values)


class SurveyAnswered(SurveyFact):
    """A message per answer: what must not be."""

    type: ClassVar[str] = "se.andan.surveys.survey.answered-for-a-test.v1"

    rating: int


async def message_per_answer(store: Store, post: Post) -> None:
    """Publish each answer, for whoever draws live charts."""
    if post.rating is not None:
        message: Message = SurveyAnswered(
            survey_id=new_id(), event_id="event-1", year=2023, rating=post.rating
        )
        async with store.work() as work:
            work.publish(message)


class GlassBoxes(BallotBoxes):
    """A box that anybody can look into: nothing is sealed."""

    def seal(self, box: str, content: bytes, size: int) -> bytes:
        """Return the content as it is."""
        return content

    def open(self, box: str, sealed: bytes) -> bytes:
        """Return the content as it is."""
        return sealed


async def glass_box(store: Store, post: Post) -> None:
    """Keep the tally and the words readable while the survey is open."""


LEAKS: dict[str, Leak] = {
    leak.__name__: leak
    for leak in (
        serial_answer_row,
        created_at,
        unsalted_hash,
        token_in_the_log,
        idempotency_row,
        message_per_answer,
        glass_box,
    )
}
