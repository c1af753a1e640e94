"""The log line of an answer: the route's template, and nothing it could be joined by."""

import io
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.store.plumbing import idempotency
from tests.surveys.scene import Scene

pytestmark = pytest.mark.anyio

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = {"x-request-id": "r-1", "traceparent": TRACE, "idempotency-key": "k-1"}


async def test_nothing_of_an_answer_is_told_or_kept(
    sqlite_here: Scene, stream: io.StringIO
) -> None:
    """No id, trace, caller, ballot or key; an Idempotency-Key is not honoured."""
    here = sqlite_here
    survey_id = await here.opened(3)
    token = (await here.tokens(survey_id))[0]
    stream.truncate(0)
    stream.seek(0)
    posts: list[tuple[str, dict[str, Any]]] = [
        ("answers", {"rating": 4}),
        ("words", {"text": "Bra", "may_quote": True}),
    ]
    for place, said in posts:
        for status in (204, 409):
            answer = await here.client.post(
                f"/v1/surveys/{survey_id}/{place}",
                json={"ballot": token, **said},
                headers=HEADERS,
            )
            assert answer.status_code == status
            assert "idempotent-replayed" not in answer.headers
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == 4
    for line in requests:
        assert line["route"].startswith("/v1/surveys/{survey_id}/")
        assert (line["request_id"], line["trace_id"], line["principal"]) == (None, None, None)
    told = stream.getvalue()
    assert not any(secret in told for secret in (token, token.split(".")[1], survey_id, "Bra"))
    async with here.it.service.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(idempotency)) == 0
