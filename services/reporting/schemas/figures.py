"""Figures as they are shown, and what each rests on."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from pydantic import BaseModel, Field

from services.reporting.rules import FIGURES, Fact, Figure, Version, YearShown

AN_OBJECT = "a number, or a JSON object where it is a table or a pair of bounds"


class FigureItem(BaseModel):
    """A figure of a year."""

    key: str = Field(description="Which figure.", examples=["gatherings"])
    event_id: str | None = Field(description="The event, where the figure is of one.")
    value: str = Field(description=f"The value as text, exact: {AN_OBJECT}.", examples=["1226"])
    unit: str = Field(description="What is counted.", examples=["gatherings"])
    definition: str = Field(description="What counts, in English.")
    version: int = Field(description="Version of the definition.", examples=[1])
    as_of: datetime | None = Field(
        description="Time of the last message counted; null where none is."
    )
    rule: str | None = Field(
        description=(
            "What was held back: `mean` (nothing), `band`, `bound` or `withheld`; null where "
            "nothing ever is."
        ),
        examples=["mean"],
    )
    n: int | None = Field(
        description=(
            "How many answers an event's evaluation or the pooled mean rests on, or how many "
            "events the mean of the year; null for sums, and where it may not be told."
        ),
        examples=[50],
    )

    @classmethod
    def of(cls, figure: Figure) -> "FigureItem":
        """Return the item that shows a figure."""
        definition = FIGURES[figure.key]
        return cls(
            key=figure.key,
            event_id=figure.event_id,
            value=figure.value,
            unit=definition.unit,
            definition=definition.definition_en,
            version=definition.version,
            as_of=figure.as_of,
            rule=figure.rule,
            n=figure.n,
        )


class CountedMessage(BaseModel):
    """A message that a figure rests on."""

    message_id: str = Field(description="Its id, the same after any move or restore.")
    type: str = Field(description="Its type.", examples=["se.andan.booking.booking.checked-in.v1"])
    day: date = Field(description="The day it was said, in UTC.", examples=["2023-03-07"])

    @classmethod
    def of(cls, fact: Fact) -> "CountedMessage":
        """Return the item that shows a message."""
        return cls(message_id=fact.message_id, type=fact.type, day=fact.at.date())


class MessageType(BaseModel):
    """How many messages of a type a figure rests on, and from when to when they were said."""

    type: str = Field(examples=["se.andan.booking.booking.checked-in.v1"])
    count: int
    first_day: date
    last_day: date


class FigureVersion(BaseModel):
    """A figure of a closed year as it was published."""

    version: int = Field(description="1 when first published, one more with each amendment.")
    value: str
    as_of: datetime | None
    published_at: datetime
    because: str | None = Field(description="Type of the late message that made it so.")

    @classmethod
    def of(cls, version: Version) -> "FigureVersion":
        """Return the item that shows a version."""
        return cls.model_validate(version, from_attributes=True)


class ReportedFigure(FigureItem):
    """A figure with its names."""

    titles: dict[str, str] = Field(description="Title of the figure by language.")
    definitions: dict[str, str] = Field(description="What counts, by language.")
    event_titles: dict[str, str] | None = Field(
        description="Titles of the event by language, where the figure is of one."
    )

    @classmethod
    def named(cls, figure: Figure, titles: Mapping[str, Mapping[str, str]]) -> "ReportedFigure":
        """Return a figure with its names; `titles` are those of the events."""
        definition = FIGURES[figure.key]
        event_titles = titles.get(figure.event_id) if figure.event_id else None
        return cls(
            **FigureItem.of(figure).model_dump(),
            titles={"sv": definition.title_sv, "en": definition.title_en},
            definitions={"sv": definition.definition_sv, "en": definition.definition_en},
            event_titles=dict(event_titles) if event_titles else None,
        )


class FigureDetail(ReportedFigure):
    """A figure with all that says how it came about; never an id of a message."""

    year: int
    definition_sv: str
    definition_en: str
    formula: str = Field(description="How it is computed.", examples=["Σ attendance(event)"])
    message_types: list[MessageType] = Field(description="What it rests on, by type.")
    checksum: str = Field(
        description="SHA-256, in hex, of the ids of its messages, sorted, one a line."
    )
    versions: list[FigureVersion] = Field(
        description="Every version published, from the first on; empty while the year is open."
    )

    @classmethod
    def detailed(cls, figure: Figure, shown: YearShown) -> "FigureDetail":
        """Return a figure of a year with all its detail."""
        definition = FIGURES[figure.key]
        days: defaultdict[str, list[date]] = defaultdict(list)
        for fact in figure.messages:
            days[fact.type].append(fact.at.date())
        ids = sorted(fact.message_id for fact in figure.messages)
        versions = shown.versions.get((figure.key, figure.event_id), ())
        return cls(
            **ReportedFigure.named(figure, shown.told.titles).model_dump(),
            year=shown.year,
            definition_sv=definition.definition_sv,
            definition_en=definition.definition_en,
            formula=definition.formula,
            message_types=[
                MessageType(type=type_, count=len(said), first_day=min(said), last_day=max(said))
                for type_, said in sorted(days.items())
            ],
            checksum=hashlib.sha256("".join(f"{each}\n" for each in ids).encode()).hexdigest(),
            versions=[FigureVersion.of(each) for each in versions],
        )
