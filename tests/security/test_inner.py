"""The gateway's inner token."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.inner import MAX_BYTES, BadInnerToken, InnerKey
from shared.security.principal import PUBLIC, SCOPES, Principal

SECRET = b"s" * 32
CALLER = Principal("key", "k1", frozenset({"booking:write"}), "org-1", None)


class Seconds:
    """A system clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(header: object, claims: object, secret: bytes = SECRET) -> str:
    text = f"{part(header)}.{part(claims)}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def claims(**other: object) -> dict[str, object]:
    return {
        "kind": "key",
        "id": "k1",
        "scopes": [],
        "organisation_id": None,
        "link_token": None,
        "exp": int(time.time()) + 30,
    } | other


GOOD = {"alg": "HS256", "typ": "andan-principal"}


@given(
    st.builds(
        Principal,
        kind=st.sampled_from(["public", "key", "user", "link"]),
        id=st.text(max_size=50),
        scopes=st.frozensets(st.sampled_from(sorted(SCOPES))),
        organisation_id=st.none() | st.text(max_size=50),
        link_token=st.none() | st.text(max_size=200),
    )
)
def test_every_principal_survives_the_way(principal: Principal) -> None:
    """Whoever the gateway names, the service reads, whole."""
    assert InnerKey(SECRET).read(InnerKey(SECRET).mint(principal)) == principal


def test_no_token_is_the_public() -> None:
    """Without a token nobody is anybody."""
    assert InnerKey(SECRET).read(None) == PUBLIC
    assert not PUBLIC.scopes


def test_a_well_signed_token_of_the_test_is_accepted() -> None:
    """The forger's tools of this test are sound: with the right key they pass."""
    assert InnerKey(SECRET).read(signed(GOOD, claims())).id == "k1"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "åäö",
        "\ud800.\ud800.",
        "null.null.null",
        signed(GOOD, claims(), b"x" * 32),
        signed(GOOD, claims(exp=int(time.time()) - 60)),
        signed(GOOD, claims(exp=int(time.time()) + 3_600)),
        signed(GOOD, claims(exp="soon")),
        signed(GOOD, claims(exp=None)),
        signed(GOOD, claims(kind="root")),
        signed(GOOD, claims(scopes=None)),
        signed(GOOD, claims(scopes=[["x"]])),
        signed(GOOD, {"exp": int(time.time()) + 30}),
        signed(GOOD, []),
        signed(GOOD, None),
        signed({"alg": "HS256"}, claims()),
        signed({"alg": "HS256", "typ": "JWT"}, claims()),
        signed({"typ": "andan-principal"}, claims()),
        signed(GOOD | {"alg": "HS512"}, claims()),
        signed(GOOD | {"alg": "RS256"}, claims()),
        signed(GOOD | {"alg": None}, claims()),
        signed(GOOD | {"crit": ["exp"], "exp": 1}, claims()),
        signed(GOOD | {"b64": False, "crit": ["b64"]}, claims()),
        signed(GOOD | {"jwk": {"kty": "oct", "k": part("x")}}, claims(), b"x" * 32),
        signed(GOOD | {"jku": "https://example.org/keys"}, claims(), b"x" * 32),
        f"{part(GOOD | {'alg': 'none'})}.{part(claims())}.",
        f"{part(GOOD | {'alg': 'None'})}.{part(claims())}.",
        signed(GOOD, claims()).rpartition(".")[0] + ".",
        "a" * (MAX_BYTES + 1),
        signed(GOOD, claims(id="x" * MAX_BYTES)),
        "[" * 1_000_000,
        f"{part(GOOD)}.{'x' * 1_000_000}.y",
    ],
    ids=lambda token: token[:20] + str(len(token)),
)
def test_what_the_gateway_did_not_sign_is_refused(token: str) -> None:
    """Forged, expired, oversized, confused and malformed tokens are all the same: bad."""
    with pytest.raises(BadInnerToken):
        InnerKey(SECRET).read(token)


@given(st.data())
def test_one_changed_character_is_seen(data: st.DataObject) -> None:
    """A token with any character of header, claims or signature exchanged is refused."""
    token = InnerKey(SECRET).mint(CALLER)
    place = data.draw(st.integers(0, len(token) - 2))  # the last one holds unused bits
    letter = data.draw(st.sampled_from("ABCxyz019-_."))
    if token[place] == letter:
        return
    with pytest.raises(BadInnerToken):
        InnerKey(SECRET).read(token[:place] + letter + token[place + 1 :])


def test_a_token_dies_after_a_minute_although_it_was_read_before() -> None:
    """Reading a token once does not keep it alive."""
    seconds = Seconds()
    key = InnerKey(SECRET, seconds=seconds)
    token = key.mint(CALLER)
    seconds.now += 59
    assert key.read(token) == CALLER
    seconds.now += 7
    with pytest.raises(BadInnerToken):
        key.read(token)


def test_a_caller_gets_the_same_token_for_half_a_minute() -> None:
    """Minting is done once in 30 seconds, also when the system clock steps back."""
    seconds = Seconds()
    key = InnerKey(SECRET, seconds=seconds)
    first = key.mint(CALLER)
    seconds.now += 29
    assert key.mint(CALLER) == first
    seconds.now += 2
    second = key.mint(CALLER)
    assert second != first
    seconds.now -= 600
    assert key.read(key.mint(CALLER)) == CALLER


def test_an_old_secret_verifies_and_the_first_one_signs() -> None:
    """A secret can be replaced while tokens of the old one are on their way."""
    old, new = InnerKey(b"o" * 32), InnerKey(b"n" * 32, b"o" * 32)
    assert new.read(old.mint(CALLER)) == CALLER
    with pytest.raises(BadInnerToken):
        old.read(new.mint(CALLER))


def test_a_short_secret_is_no_key() -> None:
    """A key of less than 32 bytes is refused at once."""
    with pytest.raises(ValueError, match="32 bytes"):
        InnerKey(b"short")
