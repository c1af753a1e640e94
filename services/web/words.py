"""The pages' words: catalogues in three languages, and what the house's own words mean."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

LOCALE: Final = Path(__file__).parent / "locale"


class Language(StrEnum):
    """A language that pages are in."""

    SWEDISH = "sv"
    ENGLISH = "en"
    ARABIC = "ar"

    @property
    def direction(self) -> str:
        """Which way its lines run."""
        return "rtl" if self is Language.ARABIC else "ltr"


def _(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "format": {
        "malmotimmen": _("Malmö Hour"),
        "dialogforum": _("Dialogue forum"),
        "larandelunch": _("Learning lunch"),
        "seminarium": _("Seminar"),
        "workshop": _("Workshop"),
        "kurs": _("Course"),
        "studiebesok": _("Study visit"),
        "konferens": _("Conference"),
        "ovrigt": _("Other"),
    },
    "sector": {
        "public-official": _("Public official"),
        "politician": _("Politician"),
        "job-seeker": _("Job seeker"),
        "association": _("Association"),
        "business": _("Business"),
        "academia": _("University or research"),
        "other": _("Something else"),
    },
    "kind": {
        "association": _("Association"),
        "umbrella": _("Umbrella organisation"),
        "social-enterprise": _("Social enterprise"),
        "company": _("Company"),
        "municipality": _("Municipality"),
        "region": _("Region"),
        "state": _("State authority"),
        "university": _("University"),
        "study-association": _("Study association"),
        "foundation": _("Foundation"),
        "other": _("Other"),
    },
    "registration": {
        "pending": _("Not confirmed yet"),
        "applied": _("Applied"),
        "confirmed": _("Confirmed"),
        "waitlisted": _("On the waiting list"),
        "offered": _("Offered a place"),
        "declined": _("Declined"),
        "cancelled": _("Cancelled"),
        "attended": _("Attended"),
        "no-show": _("Did not come"),
    },
    "booking": {
        "held": _("Held"),
        "requested": _("Requested"),
        "confirmed": _("Confirmed"),
        "checked-in": _("Checked in"),
        "cancelled": _("Cancelled"),
        "rejected": _("Refused"),
        "no-show": _("Did not come"),
    },
    "mode": {
        "on-site": _("On site"),
        "online": _("Online"),
        "hybrid": _("On site and online"),
    },
    "availability": {
        "many": _("Plenty of places"),
        "few": _("Few places left"),
        "none": _("Full"),
    },
    "language": {
        "sv": _("Swedish"),
        "en": _("English"),
        "ar": _("Arabic"),
        "so": _("Somali"),
        "bs": _("Bosnian"),
        "fa": _("Persian"),
        "ps": _("Pashto"),
        "pl": _("Polish"),
        "es": _("Spanish"),
        "fr": _("French"),
        "tr": _("Turkish"),
        "ti": _("Tigrinya"),
        "uk": _("Ukrainian"),
        "ku": _("Kurdish"),
        "sq": _("Albanian"),
        "sr": _("Serbian"),
        "hr": _("Croatian"),
        "da": _("Danish"),
        "de": _("German"),
        "fi": _("Finnish"),
        "ro": _("Romanian"),
        "ru": _("Russian"),
        "swl": _("Swedish Sign Language"),
    },
}
"""What words of the API mean to a reader, by what they are words of."""


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language."""

    language: Language
    texts: Mapping[str, tuple[str, ...]]
    plural: Callable[[int], int]

    def gettext(self, text: str) -> str:
        """Return `text` in this language, or as it stands."""
        found = self.texts.get(text)
        return found[0] if found else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the form that goes with `count`."""
        found = self.texts.get(one)
        if found is None or len(found) == 1:
            return one if count == 1 else many
        return found[min(self.plural(count), len(found) - 1)]

    def say(self, text: str, **values: object) -> str:
        """Return `text` in this language with its %(names)s filled in."""
        return self.gettext(text) % values

    def word(self, word: str, of: str) -> str:
        """Return what a word of the API means: `word("kurs", "format")`; unknown ones stay."""
        return self.gettext(WORDS[of].get(word, word))


def titled(texts: Mapping[str, str] | None, language: str) -> tuple[str, str]:
    """Return a text in a reader's language, or in the nearest there is, and which that is."""
    for each in (language, "sv", "en", *sorted(texts or {})):
        if texts and texts.get(each):
            return texts[each], each
    return "", language


def read_catalogue(language: Language, folder: Path = LOCALE) -> Catalogue:
    """Read and merge every .po of a language; English is its own catalogue."""
    texts: dict[str, tuple[str, ...]] = {}
    plural: Callable[[int], int] = _two_forms
    for path in sorted((folder / language).glob("*.po")):
        with path.open("rb") as file:
            read = read_po(file, locale=str(language))
        plural = _six_forms if language is Language.ARABIC else _two_forms
        for message in read:
            if message.id and not message.fuzzy and (forms := _forms(message.string)):
                key = message.id if isinstance(message.id, str) else message.id[0]
                texts[key] = forms
    return Catalogue(language, texts, plural)


def _forms(string: str | Iterable[str] | None) -> tuple[str, ...]:
    forms = (string,) if isinstance(string, str) else tuple(string or ())
    return forms if all(forms) else ()


def _two_forms(count: int) -> int:
    return 0 if count == 1 else 1


def _six_forms(count: int) -> int:
    """The plural forms of Arabic as gettext numbers them."""
    if count < 3:
        return count
    tail = count % 100
    if 3 <= tail <= 10:
        return 3
    return 4 if tail >= 11 else 5
