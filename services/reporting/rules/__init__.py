"""What a year means: which facts are kept, what each figure counts, what is withheld."""

from services.reporting.rules.facts import Fact, fact_of
from services.reporting.rules.figures import FIGURES, HEARD, Definition
from services.reporting.rules.withholding import WITHHELD, withhold
from services.reporting.rules.year import Figure, YearTold, tell_year

__all__ = [
    "FIGURES",
    "HEARD",
    "WITHHELD",
    "Definition",
    "Fact",
    "Figure",
    "YearTold",
    "fact_of",
    "tell_year",
    "withhold",
]
