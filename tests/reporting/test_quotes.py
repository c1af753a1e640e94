"""Quotes: read while they stand, and gone from everything once they are taken back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.reporting.app import create_service
from shared.contracts.surveys import QuoteWithdrawn
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import Running, running
from tests.reporting.said import published, quoted

REPORT = "/v1/years/2023/report"
WORDS = "Kanariefågelns egna ord om en härlig morgon"
KINDS = ("application/json", "text/csv")

pytestmark = pytest.mark.anyio


@pytest.fixture(params=DIALECTS)
async def reporting(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Running]:
    async with running(create_service, make_url, tmp_path, dialect=request.param) as it:
        yield it


async def forms(it: Running) -> dict[str, bytes]:
    """Return the report in every form."""
    async with it.client(PUBLIC) as client:
        return {
            kind: (await client.get(REPORT, headers={"accept": kind})).content
            for kind in (*KINDS, "application/pdf")
        }


async def test_a_quote_is_read_until_it_is_withdrawn(reporting: Running) -> None:
    """A withdrawn quote is gone from every form of the report, which is as if it never was."""
    await reporting.hear(published("e1", "Jämlik hälsa"))
    await reporting.quiet()
    without = await forms(reporting)
    await reporting.hear(quoted("q1", WORDS, "e1"))
    await reporting.quiet()
    async with reporting.client(PUBLIC) as client:
        (quote,) = (await client.get(REPORT)).json()["quotes"]
    assert quote == {
        "quote_id": "q1",
        "text": WORDS,
        "language": "sv",
        "event_titles": {"sv": "Jämlik hälsa", "en": "Equal health"},
    }
    standing = await forms(reporting)
    assert WORDS in standing["text/csv"].decode()
    assert standing["application/pdf"] != without["application/pdf"]
    await reporting.hear(QuoteWithdrawn(quote_id="q1"))
    await reporting.quiet()
    assert await forms(reporting) == without


async def test_a_withdrawn_quote_does_not_come_back(reporting: Running) -> None:
    """Its approval heard again, or only after the withdrawal, shows nothing."""
    await reporting.hear(quoted("q1", WORDS), QuoteWithdrawn(quote_id="q1"), quoted("q1", WORDS))
    await reporting.hear(QuoteWithdrawn(quote_id="q2"), quoted("q2", WORDS))
    await reporting.quiet()
    async with reporting.client(PUBLIC) as client:
        assert (await client.get(REPORT)).json()["quotes"] == []


async def test_withdrawn_words_leave_the_files(make_url: MakeUrl, tmp_path: Path) -> None:
    """Not a byte of a withdrawn quote is left in the store's files, its journal included."""
    path = Path((await make_url("sqlite")).removeprefix("sqlite:///"))

    async def same_url(_: str) -> str:
        return f"sqlite:///{path}"

    def stored() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    async with running(create_service, same_url, tmp_path / "house") as it:
        for number in range(40):  # enough that pages are split and moved
            await it.hear(quoted(f"other{number}", f"Andra ord {number} " * 60))
        await it.hear(quoted("q1", WORDS * 40))
        await it.quiet()
        assert WORDS.encode() in stored()
        await it.hear(QuoteWithdrawn(quote_id="q1"))
        await it.quiet()
        assert WORDS.encode() not in stored()
        assert b"Andra ord 7" in stored()
