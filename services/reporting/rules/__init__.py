"""What a year means: which facts are kept, what each figure counts, what is withheld."""

from services.reporting.rules.closing import (
    Amendment,
    Change,
    Place,
    Quote,
    Version,
    YearShown,
    changes,
)
from services.reporting.rules.evaluations import Released
from services.reporting.rules.events import EventTold
from services.reporting.rules.facts import Fact, fact_of
from services.reporting.rules.figures import BESIDE, FIGURES, HEARD, Definition
from services.reporting.rules.withholding import WITHHELD, withhold
from services.reporting.rules.year import Figure, YearTold, tell_year

__all__ = [
    "BESIDE",
    "FIGURES",
    "HEARD",
    "WITHHELD",
    "Amendment",
    "Change",
    "Definition",
    "EventTold",
    "Fact",
    "Figure",
    "Place",
    "Quote",
    "Released",
    "Version",
    "YearShown",
    "YearTold",
    "changes",
    "fact_of",
    "tell_year",
    "withhold",
]
