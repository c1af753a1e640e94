"""Who may what, for every operation that the one document names: nobody gets in by accident."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.settings import ProcessSettings
from services.topology import whole_house
from shared.http.problems import MEDIA_TYPE
from shared.security.principal import SCOPES
from tests.gateway.house import START, Outside

pytestmark = pytest.mark.anyio

PUBLIC = {
    ("get", "/v1/api-info"),
    ("get", "/problems"),
    ("get", "/problems/{slug}"),
    ("get", "/v1/clock"),  # an address in replay only
    ("get", "/v1/organisations"),
    ("get", "/v1/organisations/{}"),
    ("get", "/v1/venues"),
    ("get", "/v1/venues/{}"),
    ("get", "/v1/venues/{}/visit-counts"),
    ("get", "/v1/rooms"),
    ("get", "/v1/rooms/{}"),
    ("get", "/v1/rooms/{}/availability"),
    ("get", "/v1/availability"),
    ("get", "/v1/free-rooms"),
    ("get", "/v1/themes"),
    ("get", "/v1/themes/{}"),
    ("get", "/v1/events"),
    ("get", "/v1/events/{}"),
    ("post", "/v1/events/{}/registrations"),
    ("post", "/v1/registration-links"),
    ("post", "/v1/sessions"),
    ("get", "/v1/surveys"),
    ("get", "/v1/surveys/{}"),
    ("get", "/v1/surveys/{}/result"),
    ("post", "/v1/surveys/{}/answers"),
    ("post", "/v1/surveys/{}/words"),
    ("post", "/v1/quote-withdrawals"),
    ("post", "/v1/unsubscriptions"),
    ("get", "/v1/unsubscriptions/{}"),
    ("post", "/v1/unsubscriptions/{}"),
    ("get", "/v1/years"),
    ("get", "/v1/years/{}/figures"),
    ("get", "/v1/years/{}/figures/{}"),
    ("get", "/v1/years/{}/report"),
}
"""What api.md says is for all; every other operation needs credentials."""

HOLDER_OF_A_LINK = {
    ("get", "/v1/registrations/{}"),
    ("post", "/v1/registrations/{}/confirmation"),
    ("post", "/v1/registrations/{}/cancellation"),
    ("post", "/v1/registrations/{}/erasure"),
}
"""What the holder of a link may too: whom the link does not fit sees nothing (404)."""

HOLDER_OF_A_SESSION = {("get", "/v1/sessions/current"), ("delete", "/v1/sessions/current")}
"""What is there for whoever signed in; other credentials have no session (404)."""


def shape(path: str) -> str:
    """Return a path whose parameters have lost their names."""
    return re.sub(r"\{[^}]*\}", "{}", path) if not path.startswith("/problems") else path


def filled(path: str) -> str:
    """Return a path with something in the place of each parameter."""
    by_name = {"year": "2023", "day": "2023-05-04", "slug": "not-found", "service": "booking"}
    return re.sub(r"\{([^}:]*)[^}]*\}", lambda found: by_name.get(found[1], "x1"), path)


async def test_every_operation_asks_who_is_calling(tmp_path: Path) -> None:
    """Without credentials 401, with a key that lacks the scope 403, unless it is for all."""
    settings = {"data": tmp_path, "PORT": 0, "replay_from": START}
    house = whole_house(ProcessSettings.model_validate(settings))
    await house.start()
    try:
        outside = Outside(house.front)
        async with outside.client() as client:
            paths = (await client.get("/openapi.json")).json()["paths"]
        operations = [(m, p, each) for p, ways in paths.items() for m, each in ways.items()]
        assert len(operations) > 40, "the services' own addresses are among them"
        few = await outside.key("messages:read:gateway")
        wrong: list[str] = []
        for method, path, operation in operations:
            if (method, shape(path)) not in PUBLIC:
                wrong += await checked(outside, few, method, path, operation)
    finally:
        await house.stop()
    assert wrong == []


async def checked(
    outside: Outside, few: str, method: str, path: str, operation: dict[str, Any]
) -> list[str]:
    """Try one operation as the public and with keys; return what was answered wrongly."""
    needed = {scope for way in operation.get("security", ()) for scope in way.get("bearer", ())}
    callers = {"the public": (None, {401}), "a key without it": (few, {403})}
    if (method, shape(path)) in HOLDER_OF_A_LINK:
        callers["somebody else's link"] = ("link_x.eHh4eA", {401, 404})
    elif (method, shape(path)) in HOLDER_OF_A_SESSION:
        callers["a key without it"] = (few, {404})
        callers["a link"] = ("link_x.eHh4eA", {404})
    else:
        callers["a link"] = ("link_x.eHh4eA", {403})
    if needed:
        callers["a key with all else"] = (await outside.key(*(set(SCOPES) - needed)), {403})
    wrong = []
    for who, (key, expected) in callers.items():
        async with outside.client(key) as client:
            answer = await client.request(method, filled(path))
        if answer.status_code not in expected or answer.headers["content-type"] != MEDIA_TYPE:
            wrong.append(f"{method} {path} for {who}: {answer.status_code} {answer.text[:150]}")
    return wrong
