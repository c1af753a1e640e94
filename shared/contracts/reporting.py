"""What reporting says: the figures of a year, their amendments, and that a year is closed."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.fields import Id, Instant, Slug, Year
from shared.contracts.message import Message

_TYPE = "se.andan.reporting.year."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"

FigureKey = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z]+(_[a-z]+)*$")
]
TypeName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")
]
Value = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class YearFact(Message):
    """A fact about a calendar year as it is told."""

    topic: ClassVar[str] = "andan.reporting.year.v1"
    keyed_by: ClassVar[str] = "year"
    about: ClassVar[str] = "year"

    year: Year = Field(description="The calendar year.", examples=[2023])


class Figure(YearFact):
    """One figure of a year, as it is from now on."""

    figure_key: FigureKey = Field(
        validation_alias="key",
        serialization_alias="key",
        description="Which figure, by its key in the report.",
        examples=["gatherings"],
    )
    event_id: Id | None = Field(
        default=None,
        description="The event, where the figure is of one.",
        examples=[_AN_ID],
    )
    value: Value = Field(
        description="The value as text, exact: a number, or JSON where it is a table.",
        examples=["1226", "2406.0"],
    )
    unit: Slug = Field(description="What is counted.", examples=["gatherings"])
    version: int = Field(
        ge=1,
        le=1_000_000_000,
        description="1 when first published, one more with each amendment.",
        examples=[1],
    )
    as_of: Instant = Field(
        description="Time of the last message counted.",
        examples=["2023-12-31T19:00:00Z"],
    )
    previous: Value | None = Field(
        default=None,
        description="The value of the version before, where there was one.",
        examples=["1225"],
    )
    because: TypeName | None = Field(
        default=None,
        description="Type of the late message that made it so, where the year was closed before.",
        examples=["se.andan.booking.booking.checked-in.v1"],
    )


class FigurePublished(Figure):
    """A figure of a year is published for the first time."""

    type: ClassVar[str] = _TYPE + "figure-published.v1"


class FigureAmended(Figure):
    """A published figure is another since a late fact came."""

    type: ClassVar[str] = _TYPE + "figure-amended.v1"


class YearClosed(YearFact):
    """The report of a year is final; what comes later amends it visibly."""

    type: ClassVar[str] = _TYPE + "closed.v1"
