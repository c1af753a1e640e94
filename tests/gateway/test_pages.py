"""What the gateway tells of itself: the interface, the problems, the first page."""

from pathlib import Path

import pytest

from services.gateway.problem_page import language_of, prefers_html, problem_html
from services.gateway.settings import Settings
from shared.problem import ProblemPage
from tests.gateway.house import house

pytestmark = pytest.mark.anyio


async def test_the_interface_says_what_it_is(tmp_path: Path) -> None:
    """/v1/api-info names name, version, state and links that answer; / leads to it."""
    async with house(tmp_path) as it, it.client() as client:
        info = (await client.get("/v1/api-info")).json()
        assert (info["name"], info["state"]) == ("Andan", "active")
        assert info["version"]
        assert info["mail"] == "rehearsal"
        for link in info["links"].values():
            assert (await client.get(link)).status_code == 200, link
        landing = await client.get("/")
        assert landing.status_code in (302, 303, 307)
        assert landing.headers["location"] == "/v1/api-info"


@pytest.mark.parametrize(("url", "mail"), [("smtp://localhost", "smtp"), (None, "rehearsal")])
async def test_whether_letters_go_out_is_told_by_the_settings(url: str | None, mail: str) -> None:
    """With a mail server letters go out; without one they lie in the rehearsal's inbox."""
    settings = Settings.model_validate({"SMTP_URL": url})
    assert settings.mail == mail


async def test_a_problem_explains_itself(tmp_path: Path) -> None:
    """The type of any problem leads to a page in the reader's language, and to JSON."""
    async with house(tmp_path) as it, it.client() as client:
        kind = (await client.get("/v1/nothing")).json()["type"]
        told = await client.get(kind)
        assert told.json()["type"] == kind
        html = {"Accept": "text/html,*/*;q=0.8"}
        swedish = await client.get(kind, headers=html)
        assert "Här finns ingenting" in swedish.text
        assert swedish.headers["content-language"] == "sv"
        assert swedish.headers["content-security-policy"].startswith("default-src 'none'")
        english = await client.get(kind, headers={**html, "Accept-Language": "en-GB,sv;q=0.5"})
        assert "There is nothing here" in english.text
        missing = await client.get("/problems/none-such", headers=html)
        assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")
        listed = (await client.get("/problems")).json()["items"]
        assert kind in [item["type"] for item in listed]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "sv"),
        ("*", "sv"),
        ("sv", "sv"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("en;q=0.2,sv;q=0.9", "sv"),
        ("de", "sv"),
        ("en;q=x", "sv"),
        (";;;,,,=q", "sv"),
        ("en," * 100_000, "en"),
    ],
)
def test_the_language_is_the_readers(accepted: str, language: str) -> None:
    """English for who asks for it more than for Swedish, whatever the header is made of."""
    assert language_of(accepted) == language


def test_a_language_is_one_of_those_offered() -> None:
    """Whoever reads Arabic gets it where it is offered, and Swedish elsewhere."""
    assert language_of("ar,en;q=0.5", ("sv", "en", "ar")) == "ar"
    assert language_of("ar") == "sv"


def test_a_program_gets_json() -> None:
    """HTML is for who names it and does not want JSON more."""
    assert prefers_html("text/html")
    assert not prefers_html("")
    assert not prefers_html("*/*")
    assert not prefers_html("application/json, text/html;q=0.5")


def test_a_page_holds_no_foreign_markup() -> None:
    """What a title says is text."""
    page = ProblemPage("x", "<script>", "t\n\n<b>")
    assert "<script>" not in problem_html(page, "en")
    assert "&lt;script&gt;" in problem_html(page, "sv")
