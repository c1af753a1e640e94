"""What may be asked about letters, by whom, and what is never told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.events import RegistrationConfirmed
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.notifications.scene import Scene, event, fact, scene

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("it", ["sqlite"], indirect=True)


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications with five letters sent, one of which could not be."""
    async with scene(make_url, tmp_path, dialect=request.param) as running:
        await running.hear(event(), running.contact("r4", email="nobody"))
        await running.hear(*(running.contact(f"r{number}") for number in range(4)))
        await running.hear(*(fact(RegistrationConfirmed, f"r{number}") for number in range(5)))
        yield running


async def test_deliveries_are_listed_in_pages(it: Scene) -> None:
    """Every delivery once, oldest first, with all that is told of one and nothing else."""
    async with it.it.client(key_with("notifications:read")) as client:
        path, seen = "/v1/deliveries?limit=2", []
        while True:
            body = (await client.get(path)).json()
            seen += body["items"]
            if body["next"] is None:
                break
            path = f"/v1/deliveries?limit=2&cursor={body['next']}"
        assert [each["id"] for each in seen] == [each.id for each in await it.deliveries()]
        assert seen[0] == {
            "id": seen[0]["id"],
            "message_id": (await it.deliveries())[0].message_id,
            "template": "registration-confirmed",
            "channel": "email",
            "status": "sent",
            "attempts": 1,
            "sent_at": "2023-04-01T10:00:00Z",
            "reason": None,
        }
        one = await client.get(f"/v1/deliveries/{seen[0]['id']}")
        assert one.json() == seen[0]


async def test_deliveries_are_found_by_status_and_cause(it: Scene) -> None:
    """One failed, four were sent, and each message has exactly one."""
    async with it.it.client() as client:
        failed = (await client.get("/v1/deliveries?status=failed")).json()["items"]
        assert [each["reason"] for each in failed] == ["address-unfit"]
        sent = (await client.get("/v1/deliveries?status=sent")).json()["items"]
        assert len(sent) == 4
        cause = sent[0]["message_id"]
        found = (await client.get(f"/v1/deliveries?message_id={cause}")).json()["items"]
        assert found == [sent[0]]


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/deliveries?status=lost", 422),
        ("/v1/deliveries?message_id=%00", 422),
        ("/v1/deliveries?email=asa", 422),
        ("/v1/deliveries?limit=0", 422),
        ("/v1/deliveries?cursor=nonsense", 422),
        ("/v1/deliveries/unknown", 404),
    ],
)
async def test_what_makes_no_sense_is_refused(it: Scene, path: str, status: int) -> None:
    """A problem document says so."""
    async with it.it.client() as client:
        answer = await client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


@ON_SQLITE
@pytest.mark.parametrize("path", ["/v1/deliveries", "/v1/deliveries/x"])
async def test_only_readers_of_deliveries_may(it: Scene, path: str) -> None:
    """The public is asked for credentials, another key is told which scope it lacks."""
    async with it.it.client(PUBLIC) as client:
        assert (await client.get(path)).status_code == 401
    async with it.it.client(key_with("booking:read")) as client:
        answer = await client.get(path)
        assert answer.status_code == 403
        assert answer.json()["scope"] == "notifications:read"
