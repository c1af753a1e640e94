"""The form of API keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.api_keys import (
    MAX_CHARACTERS,
    hash_secret,
    new_api_key,
    parse_api_key,
    secret_matches,
)


def test_a_new_key_reads_back_and_matches_its_hash() -> None:
    """What the holder was shown once is what the hash recognises."""
    key = new_api_key()
    read = parse_api_key(str(key))
    assert read == key
    assert re.fullmatch(r"andan_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}", str(key))
    assert secret_matches(key.secret, hash_secret(key.secret))
    assert not secret_matches(new_api_key().secret, hash_secret(key.secret))


def test_keys_are_all_different() -> None:
    """No two of a thousand keys share an id or a secret."""
    keys = [new_api_key() for _ in range(1_000)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 1_000


def test_a_key_does_not_show_its_secret_by_accident() -> None:
    """Printing a key's object, as a traceback does, leaves the secret out."""
    key = new_api_key()
    assert key.secret not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "andan__",
        "andan_abcdefgh_short",
        f"andan_abcdefgh_{'x' * 42}",
        f"andan_abcdefgh_{'x' * 87}",
        f"andan_abc_{'x' * 43}",
        f"Andan_abcdefgh_{'x' * 43}",
        f"andan_abcdefgh_{'x' * 43}\n",
        f"andan_abcdefgh_{'x' * 42}å",
        f"andan_abcdefgh_{'٣' * 43}",
        f"andan_abcdefgh_{'x' * 42}\0",
        "andan_" * 200_000,
    ],
    ids=lambda text: text[:14] + str(len(text)),
)
def test_anything_else_is_no_key(text: str) -> None:
    """Only the exact form is a key."""
    assert parse_api_key(text) is None


@given(st.text(max_size=MAX_CHARACTERS + 10))
def test_reading_never_raises(text: str) -> None:
    """Whatever a caller sends as a key is read or refused, never an error."""
    assert parse_api_key("andan_" + text) is None or len(text) > 43
