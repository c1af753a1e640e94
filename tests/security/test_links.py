"""Link tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from shared.security.links import BadLink, Links

OLD, NEW = b"o" * 32, b"n" * 32
LINKS = Links(NEW)
IDS = st.text("abcdefXYZ0189_-", min_size=1, max_size=100)


@given(IDS)
def test_a_link_leads_to_its_id(id: str) -> None:  # noqa: A002 -- the domain's word
    """A token reads back to the id it was made for, and is the same every time."""
    token = LINKS.make("registration", id)
    assert LINKS.read("registration", token) == id
    assert Links(NEW).make("registration", id) == token
    assert token.startswith("link_")


def test_a_link_serves_one_purpose() -> None:
    """A token for one thing opens no other."""
    with pytest.raises(BadLink):
        LINKS.read("unsubscribe", LINKS.make("registration", "r1"))


def test_old_links_work_after_a_rotation() -> None:
    """The first secret signs; the one before still verifies; a dropped one does not."""
    old, both = Links(OLD), Links(NEW, OLD)
    assert both.read("registration", old.make("registration", "r1")) == "r1"
    assert both.make("registration", "r1") == LINKS.make("registration", "r1")
    with pytest.raises(BadLink):
        LINKS.read("registration", old.make("registration", "r1"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "link_",
        "link_r1",
        "link_r1.",
        "link_.x",
        "link_r1.å",
        "link_r1.\ud800",
        "link_r1\n." + LINKS.make("registration", "r1").partition(".")[2],
        LINKS.make("registration", "r1") + "\n",
        LINKS.make("registration", "r1").removeprefix("link_"),
        LINKS.make("registration", "r1").replace("r1", "r2"),
        "link_" + Signer(NEW).sign("r1").decode(),
        "link_" + "x" * 1_000_000,
    ],
    ids=lambda token: token[:12] + str(len(token)),
)
def test_what_we_did_not_sign_is_no_link(token: str) -> None:
    """Anything else is a BadLink."""
    with pytest.raises(BadLink):
        LINKS.read("registration", token)


@pytest.mark.parametrize("id", ["", "a.b", "å", "a b", "x" * 101, "a\n"])
def test_an_id_that_could_confuse_a_token_is_refused(id: str) -> None:  # noqa: A002 -- as above
    """Only plain ids go into a link."""
    with pytest.raises(ValueError, match="an id in a link"):
        LINKS.make("registration", id)
