"""A running platform as a journey sees it: one address, keys, a clock, and the mail it writes."""

import email
import email.policy
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import httpx2

PATIENCE_SECONDS = 60.0
BALLOT = re.compile(r"/(?:sv|en)/e/(([0-9a-f-]{36})\.[A-Za-z0-9_-]+)")
LINK = re.compile(r"/(?:sv|en)/r/([A-Za-z0-9._~-]+)")


class Caller:
    """Somebody who speaks to the gateway, with a key or without; answers must be as expected."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        expect: int = 201,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Send a POST, perhaps with an Idempotency-Key; return the body of the answer."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self._ask("POST", path, expect, json=body or {}, headers=headers)

    async def put(self, path: str, body: Mapping[str, Any], expect: int = 200) -> dict[str, Any]:
        """Send a PUT; return the body of the answer."""
        return await self._ask("PUT", path, expect, json=body)

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Send a GET; return the body of the answer."""
        return await self._ask("GET", path, 200, params=query)

    async def every(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return all items of a list, page by page."""
        items: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = await self.get(path, **query, limit="100", **more)
            items += page["items"]
            if page["next"] is None:
                return items
            more = {"cursor": page["next"]}

    async def _ask(self, method: str, path: str, expect: int, **options: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return cast(dict[str, Any], answer.json()) if answer.content else {}


@dataclass(frozen=True)
class Ballot:
    """A ballot as it was mailed: to whom, of which survey."""

    address: str
    survey: str
    token: str


@dataclass
class House:
    """A platform that lives on a replay clock, and the administrator's way in."""

    url: str
    admin: Caller
    mail: Path
    _clients: AsyncExitStack
    _ballots: dict[str, Ballot | None] = field(default_factory=dict)

    async def caller(self, token: str | None = None) -> Caller:
        """Return somebody with this key or link, or nobody known."""
        return Caller(await self._clients.enter_async_context(_client(self.url, token)))

    async def holder(self, *scopes: str, organisation_id: str | None = None) -> Caller:
        """Return somebody with a new key that has these scopes."""
        wanted = {"name": "a key", "scopes": scopes, "organisation_id": organisation_id}
        made = await self.admin.post("/v1/api-keys", wanted)
        return await self.caller(made["key"])

    async def until(self, at: datetime) -> None:
        """Move the clock there, by way of everything due; return when the platform is quiet."""
        await self.admin.put("/v1/clock", {"now": at.isoformat()})

    async def rest(self) -> None:
        """Return when the platform is quiet, at the instant it stands at."""
        now = (await self.admin.get("/v1/clock"))["now"]
        await self.admin.put("/v1/clock", {"now": now})

    async def letters(self) -> Counter[tuple[str, str]]:
        """Return how many letters of each kind lie in each mailbox: (address, template)."""
        found, unnoted = await self.letters_and_unnoted()
        assert not unnoted, "the letters are not those that are noted as sent"
        return found

    async def letters_and_unnoted(self) -> tuple[Counter[tuple[str, str]], list[str]]:
        """Return the letters, and the ids of those that lie there or are noted, and not both."""
        kinds = {
            each["id"]: each["template"]
            for each in await self.admin.every("/v1/deliveries", status="sent")
        }
        files = {path.stem: path for path in self.mail.glob("*.eml")}
        found = Counter(
            (address_of(read_mail(files[id_])), kinds[id_]) for id_ in files.keys() & kinds.keys()
        )
        return found, sorted(files.keys() ^ kinds.keys())

    def ballots(self) -> list[Ballot]:
        """Return every ballot that lies in a mailbox; each letter is read once."""
        for path in self.mail.glob("*.eml"):
            if path.name not in self._ballots:
                self._ballots[path.name] = ballot_in(read_mail(path))
        return [each for _, each in sorted(self._ballots.items()) if each is not None]

    def ballot_for(self, address: str) -> str:
        """Return the ballot in the one letter to an address that holds one."""
        (ballot,) = (each for each in self.ballots() if each.address == address)
        return ballot.token

    def link_for(self, address: str) -> str:
        """Return the token of the link in the one letter to an address."""
        (mail,) = (
            mail for mail in map(read_mail, self.mail.glob("*.eml")) if address_of(mail) == address
        )
        body = mail.get_body(("plain",))
        assert body is not None
        found = LINK.search(body.get_content())
        assert found is not None, "the letter has no link"
        return found.group(1)


def read_mail(path: Path) -> EmailMessage:
    """Return a letter as a mail reader would."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def ballot_in(mail: EmailMessage) -> Ballot | None:
    """Return the ballot that a letter holds."""
    body = mail.get_body(("plain",))
    found = BALLOT.search(body.get_content()) if body is not None else None
    return Ballot(address_of(mail), found[2], found[1]) if found else None


def address_of(mail: EmailMessage) -> str:
    """Return whom a letter goes to."""
    (address,) = mail["To"].addresses
    return str(address.addr_spec)


@asynccontextmanager
async def entered(url: str, data: Path, mail: Path) -> AsyncIterator[House]:
    """Enter the platform at `url` with the administrator's key that lies in `data`."""
    async with AsyncExitStack() as clients:
        key = (data / "admin-key").read_text().strip()
        admin = Caller(await clients.enter_async_context(_client(url, key)))
        yield House(url, admin, mail, clients)


def _client(url: str, token: str | None) -> httpx2.AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(
        base_url=url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
    )
