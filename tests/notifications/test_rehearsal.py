"""The rehearsal inbox: what people would have got, where a house mails nobody."""

from pathlib import Path

import pytest

from shared.contracts.events import RegistrationConfirmed
from shared.security.principal import PUBLIC
from shared.testing.fixtures import MakeUrl
from shared.testing.running import key_with
from tests.notifications.scene import event, fact, scene

pytestmark = pytest.mark.anyio

OPERATOR = key_with("operations:admin")


async def test_mails_are_listed_and_shown(make_url: MakeUrl, tmp_path: Path) -> None:
    """Newest first, in pages, each with its text in both forms; nobody else sees them."""
    async with scene(make_url, tmp_path) as it:
        await it.hear(event())
        for number in range(3):
            registration = f"r{number}"
            contact = it.contact(registration, email=f"{registration}@example.org")
            await it.hear(contact, fact(RegistrationConfirmed, registration))
        async with it.it.client(OPERATOR) as operator:
            first = (await operator.get("/v1/rehearsal-mails?limit=2")).json()
            rest = await operator.get(f"/v1/rehearsal-mails?limit=2&cursor={first['next']}")
            seen = first["items"] + rest.json()["items"]
            assert rest.json()["next"] is None
            assert [each["to"].partition("<")[2] for each in seen] == [
                "r2@example.org>",
                "r1@example.org>",
                "r0@example.org>",
            ]
            assert seen[0]["subject"] == "Du har en plats: Jämlik hälsa"
            assert (seen[0]["date"], seen[0]["language"]) == ("2023-04-01T10:00:00Z", "sv")
            one = (await operator.get(f"/v1/rehearsal-mails/{seen[0]['id']}")).json()
            assert {**seen[0], "text": one["text"], "html": one["html"]} == one
            assert "Du har en plats på ”Jämlik hälsa”" in one["text"]
            assert "<h1>Välkommen!</h1>" in one["html"]
            for path in ("/no-such", "/.hidden", "/..%2fadmin-key", "?cursor=x", "?cursor=1.%2e"):
                answer = await operator.get(f"/v1/rehearsal-mails{path}")
                assert answer.status_code in (404, 422), path
        async with it.it.client(key_with("notifications:read")) as other:
            assert (await other.get("/v1/rehearsal-mails")).status_code == 403
        async with it.it.client(PUBLIC) as public:
            assert (await public.get(f"/v1/rehearsal-mails/{seen[0]['id']}")).status_code == 401


async def test_there_is_none_where_mail_goes_out(make_url: MakeUrl, tmp_path: Path) -> None:
    """With a mail server, nothing lies here to be read."""
    async with (
        scene(make_url, tmp_path, SMTP_URL="smtp://127.0.0.1:9") as it,
        it.it.client(OPERATOR) as operator,
    ):
        assert (await operator.get("/v1/rehearsal-mails")).status_code == 404
        assert (await operator.get("/v1/rehearsal-mails/x")).status_code == 404
