"""The people of the demo, all invented: names from everywhere, addresses that lead nowhere."""

import random
import unicodedata
from dataclasses import dataclass
from typing import Final

FIRST: Final = (
    "Amina", "Anders", "Anna", "Asha", "Axel", "Birgitta", "Daniel", "Dragana", "Ebba", "Elif",
    "Emil", "Farah", "Fatima", "Gunnar", "Hamza", "Hanna", "Hodan", "Ibrahim", "Ingrid", "Ismail",
    "Jamal", "Johan", "Jonas", "Karin", "Khadija", "Lars", "Layla", "Leila", "Linnea", "Lucia",
    "Maja", "Mariam", "Marta", "Mehmet", "Mohamed", "Nasrin", "Nils", "Noor", "Olle", "Omar",
    "Parvin", "Peter", "Rana", "Samira", "Sara", "Stefan", "Thanh", "Ulla", "Yusuf", "Zahra",
)  # fmt: skip
LAST: Final = (
    "Abdi", "Ahlgren", "Ahmadi", "Almqvist", "Aziz", "Bergkvist", "Boström", "Celik", "Dahir",
    "Danielsson", "Ekberg", "Ekdahl", "Farah", "Forslund", "Ghani", "Haddad", "Hellgren", "Hoxha",
    "Ibrahimi", "Jama", "Jarl", "Kaya", "Khalil", "Kovac", "Lindgren", "Lundell", "Mansour",
    "Markovic", "Nguyen", "Norling", "Nur", "Osman", "Petrovic", "Qasim", "Rahimi", "Rydberg",
    "Saleh", "Sjöstedt", "Sundin", "Tahir", "Vikander", "Warsame", "Yildiz", "Åhman", "Öberg",
)  # fmt: skip
ENGLISH_READERS: Final = 0.15


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part."""

    name: str
    email: str
    sector: str
    language: str


class Town:
    """Everybody in the demo: no two share a name."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = [f"{first} {last}" for first in FIRST for last in LAST]
        rng.shuffle(self._names)
        self._met = 0

    def meet(self, sectors: dict[str, float]) -> Person:
        """Return somebody new; the sector is drawn by weight."""
        name = self._names[self._met]
        self._met += 1
        sector = self._rng.choices(list(sectors), list(sectors.values()))[0]
        language = "en" if self._rng.random() < ENGLISH_READERS else "sv"
        return Person(name, address(name), sector, language)


def address(name: str) -> str:
    """Return the address of a name, at a domain that is kept for examples."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return f"{plain.replace(' ', '.')}@example.org"
