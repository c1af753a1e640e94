"""Ballots: derived as RFC 5869 says, unlike one another, found in each of their forms."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from services.surveys.box import BallotBoxes, BoxDestroyed, BoxedWords
from services.surveys.rules.ballots import (
    Purpose,
    ballot_hash,
    code_hash,
    derived,
    hashes_of,
    new_secret,
)
from services.surveys.rules.problems import BallotUnknown
from shared.security.keyring import Keyring

PURPOSES: tuple[Purpose, ...] = ("rating", "words")


def encoded(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.binary(min_size=32, max_size=32), st.sampled_from(PURPOSES))
def test_derivation(secret: bytes, purpose: Purpose) -> None:
    """It is HKDF-SHA256 of the secret, without salt, with the purpose as its information."""
    reference = HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)
    assert derived(encoded(secret), purpose) == encoded(reference)


def test_a_known_derivation() -> None:
    """A page in any language derives the same ballots from the same secret."""
    secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert derived(secret, "rating") == "Y32OUlW949vTe-geEsa_FG07lbGnynYM4BFAYeezDgg"
    assert derived(secret, "words") == "wzW89i_tgS072P8Rj0m_ozItoOzPZt91LGsKFNRU9GY"


def test_every_form_is_found() -> None:
    """Token, secret and derived ballot lead to the same hash, and to that of no other purpose."""
    secret = new_secret()
    assert len(urlsafe_b64decode(secret + "=")) == 32
    for purpose in PURPOSES:
        ballot = derived(secret, purpose)
        for form in (f"s.{secret}", secret, ballot):
            assert ballot_hash(ballot) in hashes_of(form, purpose, "s")
    assert not set(hashes_of(secret, "rating", "s")) & {ballot_hash(derived(secret, "words"))}


@given(st.text(max_size=60))
def test_what_is_no_ballot(text: str) -> None:
    """Whatever is sent, it is unknown or well-formed; nothing else is raised."""
    try:
        hashes = hashes_of(text, "rating", "s")
    except BallotUnknown:
        return
    assert all(len(each) == 64 for each in hashes)


def test_codes_have_nothing_in_common_over_time() -> None:
    """The hash in the box is not that on the shelf: two copies of the store do not tell."""
    assert code_hash("code", "box") != code_hash("code", "shelf")


@pytest.fixture
def boxes(tmp_path_factory: pytest.TempPathFactory) -> BallotBoxes:
    """Return boxes with keys of their own."""
    return BallotBoxes(Keyring.open(tmp_path_factory.mktemp("data") / "keys"))


def test_words_in_the_box_look_alike(boxes: BallotBoxes) -> None:
    """One letter and four thousand of the widest take the same room, with a receipt or not."""
    written = [
        BoxedWords("a", None),
        BoxedWords("\N{GRINNING FACE}" * 4_000, code_hash("code", "shelf")),
        BoxedWords('"' * 4_000, None),
    ]
    sealed = [boxes.seal_words("e", each) for each in written]
    assert len({len(each) for each in sealed}) == 1
    assert [boxes.open_words("e", each) for each in sealed] == written
    assert boxes.seal_words("e", written[0]) != boxes.seal_words("e", written[0])


def test_a_box_is_destroyed_for_good(boxes: BallotBoxes) -> None:
    """Nothing that was sealed is read again, nothing more is sealed, and no other box reads it."""
    sealed = boxes.seal_tally("e", [1, 2, 3, 4, 5])
    assert boxes.open_tally("e", sealed) == [1, 2, 3, 4, 5]
    with pytest.raises(BoxDestroyed):
        boxes.open_tally("other", sealed)
    for _ in range(2):
        boxes.destroy("e")
    with pytest.raises(BoxDestroyed):
        boxes.open_tally("e", sealed)
    with pytest.raises(BoxDestroyed):
        boxes.seal_tally("e", [0])
