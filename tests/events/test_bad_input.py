"""Bad input: a 4xx problem document that says what is wrong, and nothing changed."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from services.events.models import Event, HeadCount, Registration, Theme
from shared.store.plumbing import due, outbox
from shared.testing.fixtures import MakeUrl
from shared.testing.running import key_with
from tests.events.scene import Scene, event_body, person, scene

pytestmark = pytest.mark.anyio

EVENTS: list[tuple[str, Any]] = [
    ("capacity", 0),
    ("capacity", 10**30),
    ("capacity", "80"),
    ("capacity", 1.5),
    ("capacity", True),
    ("titles", {}),
    ("titles", {"sv": "a\x00b"}),
    ("titles", {"sv": "x" * 301}),
    ("titles", {"sv": "line\nbreak"}),
    ("titles", {"not a language": "x"}),
    ("titles", "x"),
    ("summaries", {"sv": "x" * 5001}),
    ("format", "party"),
    ("time_zone", "Mars/Olympus"),
    ("time_zone", ""),
    ("starts_at", "2023-04-19T11:00:00"),
    ("starts_at", "2023-02-30T11:00:00Z"),
    ("starts_at", 1681902000),
    ("ends_at", "2023-04-19T11:00:00Z"),
    ("ends_at", "2023-04-19T10:00:00Z"),
    ("ends_at", "2033-04-19T10:00:00Z"),
    ("ends_at", None),
    ("place", "x" * 301),
    ("room_id", "a_b"),
    ("theme_id", "no-such-theme"),
    ("theme_id", "../../etc"),
    ("online_url", "javascript:alert(1)"),
    ("online_url", "https://example.org/a b"),
    ("languages", ["sv"] * 31),
    ("sessions", [{"starts_at": "2023-04-19T09:00:00Z", "ends_at": "2023-04-19T12:00:00Z"}]),
    ("sessions", [{"starts_at": "2023-04-19T12:00:00Z", "ends_at": "2023-04-19T12:00:00Z"}]),
    ("sessions", [{}]),
    ("partners", [{"organisation_id": "x", "role": "king"}]),
    ("sector_quotas", {"association": 50, "business": 31}),
    ("sector_quotas", {"nobility": 1}),
    ("admission", "bribe"),
    ("waiting_list", "yes"),
    ("registration_closes_at", "2023-04-19T11:00:01Z"),
    ("registration_opens_at", "2023-04-19T11:00:00Z"),
    ("unknown", 1),
]

REGISTRATIONS: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "   "),
    ("name", "a\x07b"),
    ("name", "x" * 201),
    ("name", "=?UTF-8?Q?=0A?=Bcc: x@example.org"),
    ("name", 7),
    ("contact", {"email": "nobody"}),
    ("contact", {"email": "a@b.example\nBcc: c@d.example"}),
    ("contact", {"email": "x" * 250 + "@example.org"}),
    ("contact", {}),
    ("contact", {"email": "a@example.org", "phone": "1"}),
    ("contact", "a@example.org"),
    ("sector", "nobility"),
    ("language", "swedish!"),
    ("needs", [{"kind": "gold"}]),
    ("needs", [{"kind": "food"}] * 21),
    ("group", {"people": 0}),
    ("group", {"people": 81}),
    ("group", {"people": 10**20}),
    ("extra", None),
]


async def counts(s: Scene) -> tuple[int, ...]:
    """Return how much the store holds."""
    tables: list[Any] = [Event, Theme, Registration, HeadCount, outbox, due]
    async with s.it.service.store.read() as reader:
        return tuple(
            [int(await reader.scalar(select(func.count()).select_from(t)) or 0) for t in tables]
        )


async def test_an_event_that_does_not_fit_is_refused(make_url: MakeUrl, tmp_path: Path) -> None:
    """Each field is held to its bounds, in a draft and in a change; the pointer names it."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        before = await counts(s)
        for name, value in EVENTS:
            for answer in (
                await s.admin.post("/v1/events", json=event_body(**{name: value})),
                await s.admin.patch(f"/v1/events/{event_id}", json={name: value}),
            ):
                assert answer.status_code == 422, (name, value, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                pointers = [each["pointer"] for each in answer.json()["errors"]]
                if answer.request.method == "POST" or name != "format":
                    assert pointers, (name, value)
                    assert all(each.startswith(f"/{name}") for each in pointers), (name, pointers)
        assert await counts(s) == before


async def test_a_registration_that_does_not_fit_is_refused(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Each field is held to its bounds, with a key and without; the answer repeats no address."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        before = await counts(s)
        for name, value in REGISTRATIONS:
            for client in (s.admin, s.public):
                answer = await client.post(
                    f"/v1/events/{event_id}/registrations", json=person(**{name: value})
                )
                expected = {422, 401} if name == "group" and client is s.public else {422}
                assert answer.status_code in expected, (name, value, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                assert "example.org" not in answer.text
        for missing in ("contact", "sector"):
            answer = await s.public.post(
                f"/v1/events/{event_id}/registrations", json={**person(), missing: None}
            )
            assert answer.json()["errors"] == [
                {"pointer": f"/{missing}", "message": "Field required"}
            ]
        assert await counts(s) == before


async def test_raw_bodies_that_are_no_json_are_refused(make_url: MakeUrl, tmp_path: Path) -> None:
    """Broken JSON, a lone surrogate, no UTF-8, and a foreign media type change nothing."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        before = await counts(s)
        path = f"/v1/events/{event_id}/registrations"
        for raw, kind, status in (
            (b"{", "application/json", {400}),
            (b'{"name": "\\ud800", "language": "sv"}', "application/json", {400, 422}),
            (b'{"name": "\xff"}', "application/json", {400, 422}),
            (b"name=x", "application/x-www-form-urlencoded", {415}),
            (b"[" * 60_000, "application/json", {400, 422}),
            (b"null", "application/json", {422}),
        ):
            for client in (s.admin, s.public):
                answer = await client.post(path, content=raw, headers={"content-type": kind})
                assert answer.status_code in status, (raw[:40], answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
        assert await counts(s) == before


async def test_things_that_are_not_there_are_404(make_url: MakeUrl, tmp_path: Path) -> None:
    """Every route answers 404 to an id that is nobody's, and 422 to what is no id."""
    bodies: dict[str, Any] = {
        "registrations": person(),
        "head-counts": {"people": 1},
        "walk-ins": {"people": 1},
        "attendance": {"attended": True},
        "selection": {"selected": True},
    }
    async with scene(make_url, tmp_path) as s:
        for kind, actions in (
            (
                "events",
                "publication cancellation registrations head-counts walk-ins attendance-closing",
            ),
            ("registrations", "confirmation cancellation erasure attendance selection"),
        ):
            for action in actions.split():
                for id_, status in (("nobody", 404), ("a b", 422), ("x" * 65, 422)):
                    path = f"/v1/{kind}/{id_}/{action}"
                    answer = await s.admin.post(path, json=bodies.get(action))
                    assert answer.status_code == status, (path, answer.text)
        for path in ("/v1/events/x", "/v1/themes/x", "/v1/registrations/x"):
            assert (await s.admin.get(path)).status_code == 404
        for path in (
            "/v1/events?format=party",
            "/v1/events?from=yesterday",
            "/v1/events?cursor=x",
            "/v1/events?limit=101",
            "/v1/events?wrong=1",
            "/v1/themes?year=1",
        ):
            assert (await s.public.get(path)).status_code == 422, path


async def test_scopes_are_held(make_url: MakeUrl, tmp_path: Path) -> None:
    """What staff may do is 401 to the public and 403, naming the scope, to a key without it."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        registration_id = (await s.register(event_id))["id"]
        before = await counts(s)
        theme = {"year": 2023, "key": "x", "titles": {"sv": "x"}}
        for method, path, body, scope in (
            (
                "POST",
                "/v1/themes",
                theme,
                "events:admin",
            ),
            ("POST", "/v1/events", event_body(), "events:admin"),
            ("PATCH", f"/v1/events/{event_id}", {"capacity": 1}, "events:admin"),
            ("POST", f"/v1/events/{event_id}/publication", None, "events:admin"),
            ("POST", f"/v1/events/{event_id}/cancellation", {"reason": "weather"}, "events:admin"),
            ("GET", "/v1/events?status=draft", None, "events:admin"),
            ("GET", f"/v1/events/{event_id}/registrations", None, "registrations:read"),
            ("POST", f"/v1/events/{event_id}/head-counts", {"people": 1}, "attendance:write"),
            ("POST", f"/v1/events/{event_id}/walk-ins", {"people": 1}, "attendance:write"),
            ("POST", f"/v1/events/{event_id}/attendance-closing", None, "attendance:write"),
            (
                "POST",
                f"/v1/registrations/{registration_id}/attendance",
                {"attended": True},
                "attendance:write",
            ),
            (
                "POST",
                f"/v1/registrations/{registration_id}/selection",
                {"selected": True},
                "events:admin",
            ),
        ):
            assert (await s.public.request(method, path, json=body)).status_code == 401, path
            poor = s.it.client(key_with("directory:admin"))
            answer = await poor.request(method, path, json=body)
            assert (answer.status_code, answer.json().get("scope")) == (403, scope), path
        assert await counts(s) == before
