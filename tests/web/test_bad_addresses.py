"""Every page with every parameter wrong: an answer for people, never a fault of ours."""

import re
from urllib.parse import quote

import httpx2
import pytest
from fastapi.routing import APIRoute

from services.web.pages import ROUTERS
from tests.web.house import Opened

pytestmark = pytest.mark.anyio

WRONG = [
    "",
    "x",
    "-1",
    "0",
    "999999999999999999999",
    "2023-13",
    "0000-00",
    "9999-12",
    "2023-02-30",
    "1e9",
    "NaN",
    "٢٠٢٣-١٠",
    "24:61",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "%s%(name)s",
    "../../etc/passwd",
    "a" * 300,
    "å" * 40,
    "\u202e\u200b",
    "sv;q=0",
]
IN_A_PATH = [each for each in WRONG if each and "/" not in each]


def _pages() -> list[tuple[str, list[str], list[str]]]:
    found = []
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                parts = re.findall(r"\{(\w+)[^}]*\}", route.path)
                query = [each.alias for each in route.dependant.query_params]
                path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
                found.append((path, [each for each in parts if each != "lang"], query))
    return found


PAGES = _pages()


def test_the_table_holds_every_page() -> None:
    """Pages cannot escape it: they are taken from the routes themselves."""
    assert len(PAGES) > 20
    assert any("month" in query for _, _, query in PAGES)


def _is_told(path: str, answer: httpx2.Response) -> None:
    status, text = answer.status_code, answer.text
    assert status in (200, 303, 307, 401, 403, 404, 413, 422), (path, status, text[:2000])
    assert "Traceback" not in text
    assert "<script>alert" not in text
    assert "String should" not in text


@pytest.mark.parametrize(("path", "parts", "query"), PAGES, ids=[each[0] for each in PAGES])
async def test_a_wrong_parameter_is_no_fault(
    house: Opened, path: str, parts: list[str], query: list[str]
) -> None:
    """Each parameter, in the path and after it, takes anything and answers in words."""
    visitor = house.visitor()
    good = {"lang": "sv", "event_id": house.events["dialogue"]["id"]}
    good |= {"room_id": house.rooms[0]["id"], "year": "2023", "name": "andan.css"}
    for part in parts:
        for wrong in IN_A_PATH:
            filled = re.sub(
                r"\{(\w+)\}", lambda m: good.get(m[1], "x"), path.replace(f"{{{part}}}", "\0")
            )
            address = filled.replace("\0", quote(wrong, safe=""))
            _is_told(address, await visitor.http.get(address))
    address = re.sub(r"\{(\w+)\}", lambda m: good.get(m[1], "x"), path)
    for name in query:
        for wrong in WRONG:
            _is_told(
                f"{address}?{name}={wrong}", await visitor.http.get(address, params={name: wrong})
            )
    everything = dict(zip(query, WRONG[1:], strict=False))
    _is_told(address, await visitor.http.get(address, params={**everything, "unknown": "x"}))


async def test_a_segment_stays_one(house: Opened) -> None:
    """A slash that is hidden twice leads a page to no other address of the API: not to one that
    would ask who is calling."""
    event = house.events["dialogue"]["id"]
    assert (await house.visitor().http.get(f"/v1/events/{event}/registrations")).status_code == 401
    answer = await house.visitor().get(f"/sv/events/{event}%252Fregistrations")
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("address", ["/sv/reports/soon", "/sv/reports/9999", "/sv/events/a b"])
async def test_an_address_that_cannot_be_is_no_form(house: Opened, address: str) -> None:
    """Where nothing was typed, the page says that there is none, and speaks of no form."""
    answer = await house.visitor().get(address)
    assert answer.status_code == 404
    assert "Sidan finns inte" in answer.text
