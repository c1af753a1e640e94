"""The words of the public API, letter by letter."""

import re
from enum import StrEnum

import pytest

from shared.contracts import words

WORDS: dict[type[StrEnum], str] = {
    words.EventFormat: "malmotimmen dialogforum larandelunch seminarium workshop kurs studiebesok"
    " konferens ovrigt",
    words.Sector: "public-official politician job-seeker association business academia other",
    words.OrganisationKind: "association umbrella social-enterprise company municipality region"
    " state university study-association foundation other",
    words.RegistrationStatus: "pending applied confirmed waitlisted offered declined cancelled"
    " attended no-show",
    words.BookingStatus: "held requested confirmed checked-in cancelled rejected no-show",
    words.SessionMode: "on-site online hybrid",
    words.PartnerRole: "organiser partner ally panel",
    words.Admission: "first-come application",
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_words_are_those_of_the_promise(kind: type[StrEnum]) -> None:
    """Every word of the public API exists, in its order, and no other."""
    assert [each.value for each in kind] == WORDS[kind].split()


def test_no_words_are_left_untested() -> None:
    """Every set of words in the module is one that the promise lists."""
    declared = {
        each
        for each in vars(words).values()
        if isinstance(each, type) and issubclass(each, StrEnum) and each is not StrEnum
    }
    assert declared == WORDS.keys()


@pytest.mark.parametrize("tag", ["sv", "en", "ar", "fa-AF", "zh-Hant-TW", "smj"])
def test_languages(tag: str) -> None:
    """Tags of BCP 47 are languages."""
    assert re.fullmatch(words.LANGUAGE_PATTERN, tag)


@pytest.mark.parametrize("tag", ["", "s", "SV", "swedish", "sv_SE", "sv-", "sv\n", "sv-a-"])
def test_what_is_no_language(tag: str) -> None:
    """Other texts are not."""
    assert not re.fullmatch(words.LANGUAGE_PATTERN, tag)
