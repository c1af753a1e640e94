"""Plays a plan through the front door: moves the clock, sends the requests, checks the answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import httpx2

from services.demo.mailbox import Mailbox
from services.demo.opening import ADMIN
from services.demo.step import BALLOT, BY_MAIL, PUBLIC, Step, filled, picked, text

AT_ONCE: Final = 8
"""Requests that are under way at the same time, at most."""
MOVE_SECONDS: Final = 120

Told = Callable[[datetime, int], None]
"""What is called after each instant with it and how many steps are done."""


class UnexpectedAnswer(Exception):
    """A request was not answered as the plan expects"""


class Player:
    """A client of the house that plays steps; `name` tells its idempotency keys from others'."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        admin_key: str,
        *,
        name: str,
        mailbox: Mailbox | None = None,
    ) -> None:
        self._client = client
        self._mailbox = mailbox
        self._name = name
        self._sent = 0
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._taken: dict[str, asyncio.Future[str]] = {}
        self.know(ADMIN, admin_key)

    def know(self, name: str, value: str) -> None:
        """Let steps refer to `value` by a name."""
        self._future(name).set_result(value)

    def known(self, name: str) -> str:
        """Return what a name stands for; it must have been taken."""
        return self._taken[name].result()

    async def play(self, steps: Sequence[Step], told: Told) -> None:
        """Play steps that are sorted by time, and wait until the house is quiet.

        Raises UnexpectedAnswer at the first step that fails.
        """
        done = 0
        for at, group in groupby(steps, key=lambda step: step.at):
            await self.move(at)
            together = list(group)
            await self._play_together(together)
            done += len(together)
            told(at, done)
        await self.move(steps[-1].at)

    async def move(self, to: datetime) -> None:
        """Move the clock; answered when the house is quiet."""
        answer = await self._client.put(
            "/v1/clock", json={"now": text(to)}, headers=self._bearer(ADMIN), timeout=MOVE_SECONDS
        )
        if answer.status_code != 200:
            raise UnexpectedAnswer(f"PUT /v1/clock: {answer.status_code} {answer.text[:500]}")

    async def every(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield every item of a public list; raises UnexpectedAnswer."""
        cursor: dict[str, str] = {}
        while True:
            answer = await self._client.get(path, params={"limit": "100", **cursor})
            if answer.status_code != 200:
                raise UnexpectedAnswer(f"GET {path}: {answer.status_code} {answer.text[:500]}")
            page = answer.json()
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    async def _play_together(self, steps: Iterable[Step]) -> None:
        lanes: dict[object, list[Step]] = {}
        for number, step in enumerate(steps):
            lanes.setdefault(step.lane or number, []).append(step)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes.values():
                    group.create_task(self._play_in_order(lane))
        except* (UnexpectedAnswer, httpx2.HTTPError) as errors:
            raise errors.exceptions[0] from None

    async def _play_in_order(self, steps: Iterable[Step]) -> None:
        for step in steps:
            names = {name: await self._future(name) for name in step.needs}
            names |= {name: self._ballot(name) for name in step.ballots}
            async with self._turns:
                await self._ask(step, names)

    async def _ask(self, step: Step, names: dict[str, str]) -> None:
        headers = self._bearer(step.key)
        if step.method == "POST":
            self._sent += 1
            headers["Idempotency-Key"] = f"{self._name}-{self._sent}"
        path = filled(step.path, names)
        body = None if step.body is None else filled(step.body, names)
        answer = await self._client.request(step.method, path, json=body, headers=headers)
        content = _json(answer)
        if answer.status_code != step.status or any(
            content.get(field) != value for field, value in step.answer.items()
        ):
            raise UnexpectedAnswer(
                f"{text(step.at)} {step.method} {step.path}: {answer.status_code} "
                f"{answer.text[:500]}; expected {step.status} {dict(step.answer)}"
            )
        for name, field in step.takes.items():
            self.know(name, picked(content, field))

    def _bearer(self, key: str) -> dict[str, str]:
        if key == PUBLIC:
            return {}
        if key.startswith(BY_MAIL):
            assert self._mailbox is not None, "this plan needs the mailbox"
            token = self._mailbox.token(key.removeprefix(BY_MAIL))
        else:
            token = self.known(key)
        return {"Authorization": f"Bearer {token}"}

    def _ballot(self, name: str) -> str:
        event, address = name.removeprefix(BALLOT).split("/")
        assert self._mailbox is not None, "this plan needs the mailbox"
        return self._mailbox.ballot(address, self.known(f"survey/{event}"))

    def _future(self, name: str) -> asyncio.Future[str]:
        if name not in self._taken:
            self._taken[name] = asyncio.get_running_loop().create_future()
        return self._taken[name]


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
