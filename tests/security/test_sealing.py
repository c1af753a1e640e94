"""Sealing of personal data for one reader."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey, OKPKey

from shared.security.sealing import (
    MAX_PLAINTEXT_BYTES,
    CannotOpen,
    Opener,
    Sealer,
    new_sealing_key,
    public_part,
)

KEY = new_sealing_key()
OTHER = new_sealing_key()
SEALER, OPENER = Sealer(KEY), Opener(KEY)


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def with_header(sealed: str, **changes: object) -> str:
    head, dot, rest = sealed.partition(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))) | changes
    return b64(json.dumps(header)) + dot + rest


@given(st.binary(max_size=500))
def test_what_is_sealed_can_be_opened(plaintext: bytes) -> None:
    """Any bytes come back as they were."""
    assert OPENER.open(SEALER.seal(plaintext)) == plaintext


def test_the_same_twice_does_not_look_alike() -> None:
    """Nobody can tell from sealed texts that two of them hold the same address."""
    one, two = SEALER.seal(b"eva@example.org"), SEALER.seal(b"eva@example.org")
    assert one.split(".")[3] != two.split(".")[3]


def test_a_sealer_holds_no_private_part() -> None:
    """Even when handed the pair, a sealer keeps only what it needs."""
    assert "d" not in public_part(KEY)
    assert not SEALER._key.is_private


def test_after_a_rotation_both_keys_open() -> None:
    """What was sealed before a rotation can be opened as long as its key is held."""
    both = Opener(OTHER, KEY)
    assert both.open(SEALER.seal(b"old")) == b"old"
    assert both.open(Sealer(OTHER).seal(b"new")) == b"new"


def test_a_lost_key_opens_nothing() -> None:
    """A sealed text whose key was destroyed stays closed."""
    with pytest.raises(CannotOpen, match="not here"):
        Opener(OTHER).open(SEALER.seal(b"gone"))


def test_too_much_is_not_sealed() -> None:
    """A seal holds at most 16 KB, and that much comes back."""
    most = b"x" * MAX_PLAINTEXT_BYTES
    assert OPENER.open(SEALER.seal(most)) == most
    with pytest.raises(ValueError, match="at most"):
        SEALER.seal(most + b"x")


def foreign(alg: str, enc: str, key: OKPKey | OctKey, **extra: str) -> str:
    header = {"alg": alg, "enc": enc, "kid": KEY["kid"], **extra}
    registry = jwe.JWERegistry(algorithms=[alg, enc, "DEF"])
    return jwe.encrypt_compact(header, b"x", key, registry=registry)


PUBLIC_KEY = OKPKey.import_key(public_part(KEY))


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "....",
        "\ud800....",
        "åäö....",
        b64("[]") + "....",
        b64("[" * 700) + "....",
        b64("{}") + "....",
        "x" * 1_000_000,
        SEALER.seal(b"x") + "x" * 1_000_000,
        SEALER.seal(b"x")[:-4],
        SEALER.seal(b"x") + ".x",
        with_header(SEALER.seal(b"x"), kid=OTHER["kid"]),
        with_header(SEALER.seal(b"x"), kid=None),
        with_header(SEALER.seal(b"x"), kid=["a"]),
        with_header(SEALER.seal(b"x"), alg="dir"),
        with_header(SEALER.seal(b"x"), alg="none"),
        with_header(SEALER.seal(b"x"), enc="A128GCM"),
        with_header(SEALER.seal(b"x"), zip="DEF"),
        with_header(SEALER.seal(b"x"), crit=["x"], x=1),
        with_header(SEALER.seal(b"x"), epk={}),
        with_header(SEALER.seal(b"x"), epk="x"),
        with_header(SEALER.seal(b"x"), epk={"kty": "OKP", "crv": "X25519", "x": "AAAA"}),
        with_header(SEALER.seal(b"x"), epk={"kty": "OKP", "crv": "X25519", "x": b64("\0" * 32)}),
        with_header(SEALER.seal(b"x"), epk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        foreign("ECDH-ES+A256KW", "A256GCM", PUBLIC_KEY),
        foreign("ECDH-ES", "A128GCM", PUBLIC_KEY),
        foreign("ECDH-ES", "A256GCM", PUBLIC_KEY, zip="DEF"),
        foreign("dir", "A256GCM", OctKey.import_key(b"k" * 32)),
    ],
    ids=lambda sealed: sealed[:10] + str(len(sealed)),
)
def test_what_was_not_sealed_here_stays_closed(sealed: str) -> None:
    """Damaged, foreign, confused and oversized texts raise CannotOpen and nothing else."""
    with pytest.raises(CannotOpen):
        OPENER.open(sealed)


@given(st.data())
def test_a_changed_text_never_opens_to_something_else(data: st.DataObject) -> None:
    """With a character exchanged it stays closed, or says the same (base64 has unused bits)."""
    sealed = SEALER.seal(b"eva@example.org")
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:place] + data.draw(st.sampled_from("ABCxyz019-_.")) + sealed[place + 1 :]
    try:
        assert OPENER.open(changed) == b"eva@example.org"
    except CannotOpen:
        assert changed != sealed
