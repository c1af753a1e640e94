"""Facts about the programme of a year: its themes, and how many persons took part."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.fields import Count, Id, Slug, Titles, Year
from shared.contracts.message import Message
from shared.contracts.words import Sector

_TYPE = "se.andan.events.programme."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


class ProgrammeFact(Message):
    """A fact about a year's programme."""

    topic: ClassVar[str] = "andan.events.programme.v1"
    keyed_by: ClassVar[str] = "year"
    about: ClassVar[str] = "year"

    year: Year = Field(description="The calendar year.", examples=[2023])


class ThemeDecided(ProgrammeFact):
    """The year has a theme; said again for the same theme, the last one holds."""

    type: ClassVar[str] = _TYPE + "theme-decided.v1"

    theme_id: Id = Field(description="The theme.", examples=[_AN_ID])
    theme_key: Slug = Field(
        validation_alias="key",
        serialization_alias="key",
        description="Its short name, unique within the year.",
        examples=["equal-health"],
    )
    titles: Titles = Field(
        description="Title by language.",
        examples=[{"sv": "Jämlik hälsa", "en": "Equal health"}],
    )


class PeopleCounted(ProgrammeFact):
    """How many different persons attended an event of the year, by the counting done inside.

    Every attended registration of a person is in it, once a person; groups and heads counted
    without a name are not. The last one of a year holds.
    """

    type: ClassVar[str] = _TYPE + "people-counted.v1"

    persons: Count = Field(description="Different persons.", examples=[270])
    by_sector: dict[Sector, Count] = Field(
        max_length=len(Sector),
        description="The same persons by the sector first said; who said none is missing.",
        examples=[{"association": 150, "public-official": 120}],
    )
