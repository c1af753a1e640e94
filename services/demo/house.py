"""The house of the demo: its rooms and organisations; invented, but for those the facts name."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Room:
    """A room of the house, and how much it is wanted."""

    slug: str
    name: str
    capacity: int
    equipment: tuple[str, ...]
    buffer_minutes: int
    needs_approval: bool
    wanted: float


ROOMS: Final = (
    Room("salen", "Salen", 120, ("projector", "hearing-loop", "stage"), 30, False, 0.8),
    Room("forum", "Forum", 60, ("projector", "hearing-loop"), 15, False, 1.1),
    Room("verkstaden", "Verkstaden", 40, ("whiteboard", "tools"), 15, False, 1.0),
    Room("ateljen", "Ateljén", 30, ("projector",), 0, True, 0.7),
    Room("biblioteket", "Biblioteket", 24, ("screen", "whiteboard"), 0, False, 1.1),
    Room("koket", "Köket", 16, ("kitchen",), 30, False, 0.7),
    Room("ostra", "Östra rummet", 12, ("screen",), 0, False, 1.3),
    Room("vastra", "Västra rummet", 10, ("screen",), 0, False, 1.3),
)
"""Open from 08:00 to 22:00; the demo books eight of them."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the demo."""

    slug: str
    name: str
    kind: str
    sector: str
    resident: bool = False
    has_key: bool = False
    """Books by itself, with a key that is bound to it."""


def _residents(kind: str, *names: tuple[str, str]) -> list[Organisation]:
    sector = "business" if kind == "social-enterprise" else "association"
    return [Organisation(slug, name, kind, sector, resident=True) for slug, name in names]


_BOOK_THEMSELVES: Final = frozenset(
    ("sofielunds-skakbord", "kvarterskoren", "oresunds-roda-trad", "flodens-teater", "matlagarna")
)

RESIDENTS: Final = tuple(
    Organisation(each.slug, each.name, each.kind, each.sector, True, each.slug in _BOOK_THEMSELVES)
    for each in [
        *_residents(
            "association",
            ("sofielunds-skakbord", "Sofielunds Schackbord"),
            ("kvarterskoren", "Kvarterskören"),
            ("flodens-teater", "Flodens Teater"),
            ("laxhjalp-nobelvagen", "Läxhjälp Nobelvägen"),
            ("horn-av-afrika-kulturen", "Afrikas Horns Kulturkrets"),
            ("poesi-pa-arabiska", "Poesi på arabiska"),
            ("stadsodlarna-oster", "Stadsodlarna Öster"),
            ("seniordansen", "Seniordansen"),
            ("cykelskolan", "Cykelskolan för vuxna"),
            ("ungdomsradet-kupolen", "Ungdomsrådet Kupolen"),
            ("kvinnokretsen-malva", "Kvinnokretsen Malva"),
            ("foraldrar-i-grannskapet", "Föräldrar i grannskapet"),
            ("spraket-bar", "Språket bär"),
            ("trygga-gardar", "Trygga gårdar"),
            ("diabeteskretsen-soder", "Diabeteskretsen Söder"),
            ("rullstolsdansarna", "Rullstolsdansarna"),
            ("teckenspraksgruppen", "Teckenspråksgruppen"),
            ("filmklubben-kvarteret", "Filmklubben Kvarteret"),
            ("bosniska-lasecirkeln", "Bosniska läsecirkeln"),
            ("dari-biblioteket", "Dari-biblioteket"),
            ("natvandrarna-hamnen", "Nattvandrarna Hamnen"),
            ("brobyggarna", "Brobyggarna i Skåne"),
            ("regnbagsbordet", "Regnbågsbordet"),
            ("klimatkollen", "Klimatkollen"),
            ("fotbollsmammorna", "Fotbollsmammorna"),
            ("minnenas-ateljeforening", "Minnenas ateljéförening"),
            ("ny-i-stan", "Ny i stan"),
        ),
        *_residents(
            "social-enterprise",
            ("oresunds-roda-trad", "Öresunds Röda Tråd"),
            ("matlagarna", "Matlagarna på hörnet"),
            ("aterbruksbruket", "Återbruksbruket"),
            ("ljudstugan", "Ljudstugan"),
            ("jobbstegen", "Jobbstegen"),
            ("syateljen-nala", "Syateljén Nåla"),
            ("kafe-samtal", "Kafé Samtal"),
            ("mobila-verkstan", "Mobila verkstan"),
        ),
    ]
)
"""Thirty-five, all invented."""

ALLIED_COMPANIES: Final = (
    Organisation("bageriet-havre", "Bageriet Havre", "company", "business"),
    Organisation("sundets-apotek", "Sundets apotek", "company", "business"),
    Organisation("rorelsebyran", "Rörelsebyrån", "company", "business"),
    Organisation("gronsakstorget", "Grönsakstorget", "company", "business"),
    Organisation("kuststadens-hogskola", "Kuststadens högskola", "university", "academia"),
)
"""Invented; they ally themselves with residents for the dialogue forum, and book rooms."""

NAMED: Final = (
    Organisation("malmoandan", "Malmöandan", "umbrella", "association"),
    Organisation("malmo-stad", "Malmö stad", "municipality", "public-official"),
    Organisation("malmo-ideella", "Malmö Ideella", "umbrella", "association"),
    Organisation("region-skane", "Region Skåne", "region", "public-official"),
    Organisation("en-frisk-generation", "En frisk generation", "association", "association"),
    Organisation(
        "jamlik-halsa-lindangen", "Jämlik Hälsa i Lindängen", "association", "association"
    ),
    Organisation("fremia", "Fremia", "association", "association"),
    Organisation("mucf", "MUCF", "state", "public-official"),
    Organisation("flamman", "Flamman", "association", "association"),
    Organisation("open-skane", "Open Skåne", "foundation", "association"),
    Organisation("kodex-malmo", "Kodex Malmö", "association", "association"),
    Organisation("swideas", "SwIdeas", "social-enterprise", "business"),
    Organisation("bulltofta-sif", "Bulltofta SIF", "association", "association"),
    Organisation("barnens-karta", "Barnens Karta", "other", "association"),
    Organisation("impact-malmo", "Impact Malmö", "other", "association"),
    Organisation("ikea", "IKEA", "company", "business"),
    Organisation("ikano-bank", "Ikano bank", "company", "business"),
    Organisation("stena-fastigheter", "Stena Fastigheter", "company", "business"),
    Organisation("fryshuset", "Fryshuset", "foundation", "association"),
    Organisation("mollans-basement", "Möllans Basement", "association", "association"),
    Organisation("malmo-ff", "Malmö FF", "association", "association"),
    Organisation("radda-barnen", "Rädda Barnen", "association", "association"),
    Organisation("zigzag", "ZigZag", "association", "association"),
    Organisation("malmoakademin", "Malmöakademin", "other", "academia"),
    Organisation("lunds-universitet", "Lunds universitet", "university", "academia"),
    Organisation("kristianstads-kommun", "Kristianstads kommun", "municipality", "public-official"),
    Organisation("goteborgs-stad", "Göteborgs stad", "municipality", "public-official"),
    Organisation("sensus", "Sensus studieförbund", "study-association", "association"),
    Organisation("nyforetagarcentrum", "NyföretagarCentrum Öresund", "other", "business"),
)
"""Those that the facts name as parties, partners or panel."""

ORGANISATIONS: Final = (*NAMED, *RESIDENTS, *ALLIED_COMPANIES)


def slug_of(name: str) -> str:
    """Return the slug of an organisation by its name; raise LookupError where none has it."""
    for each in ORGANISATIONS:
        if each.name.casefold() == name.casefold():
            return each.slug
    raise LookupError(name)
