"""A history of what clients asked for and what they learnt: ok, failed, or unknown."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx2


class Outcome(StrEnum):
    """What a client knows of one attempt."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass
class Attempt:
    """One request; `intent` is what somebody wanted once, repeated under one Idempotency-Key.

    Until an answer comes its outcome is unknown: it may have had its effect, or not.
    """

    intent: str
    action: str
    began_at: float
    outcome: Outcome = Outcome.UNKNOWN
    ended_at: float | None = None
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    def end(self, status: int, answer: dict[str, Any]) -> None:
        """Note an answer: 2xx is ok, 4xx says that nothing was done, 5xx leaves it open."""
        self.status, self.answer, self.ended_at = status, answer, time.monotonic()
        if status < 400:
            self.outcome = Outcome.OK
        elif status < 500:
            self.outcome = Outcome.FAIL


class History:
    """All attempts in the order in which they began."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def invoke(self, intent: str, action: str) -> Attempt:
        """Note that a request is about to leave."""
        attempt = Attempt(intent, action, time.monotonic())
        self.attempts.append(attempt)
        return attempt

    def with_outcome(self, outcome: Outcome, action: str | None = None) -> list[Attempt]:
        """Return the attempts that ended so, all or those of one action."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.outcome is outcome and action in (None, attempt.action)
        ]

    def ok(self, action: str | None = None) -> list[Attempt]:
        """Return the acknowledged attempts."""
        return self.with_outcome(Outcome.OK, action)

    def by_intent(self, action: str) -> dict[str, list[Attempt]]:
        """Return the attempts of an action, gathered by what they wanted."""
        found: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            if attempt.action == action:
                found[attempt.intent].append(attempt)
        return dict(found)

    def figures(self) -> dict[str, int]:
        """Return how many attempts ended in which way."""
        return {outcome.value: len(self.with_outcome(outcome)) for outcome in Outcome}

    async def post(
        self,
        client: httpx2.AsyncClient,
        path: str,
        body: dict[str, Any],
        *,
        intent: str,
        action: str,
        key: str | None = None,
    ) -> Attempt:
        """Send one request and note what came of it; a connection that is cut stays unknown."""
        attempt = self.invoke(intent, action)
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            answer = await client.post(path, json=body, headers=headers)
            content = answer.json() if answer.content else {}
        except (httpx2.HTTPError, ValueError):
            return attempt
        attempt.end(answer.status_code, content if isinstance(content, dict) else {})
        return attempt
