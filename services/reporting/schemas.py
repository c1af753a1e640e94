"""What reporting shows: figures, the messages behind them, the report."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from services.reporting.rules import FIGURES, Fact, Figure, YearTold


class FigureItem(BaseModel):
    """A figure of a year."""

    key: str = Field(description="Which figure.", examples=["gatherings"])
    event_id: str | None = Field(description="The event, where the figure is of one.")
    value: str = Field(
        description="The value as text, exact: a number, or a JSON object where it is a table.",
        examples=["1226"],
    )
    unit: str = Field(description="What is counted.", examples=["gatherings"])
    definition: str = Field(description="What counts, in English.")
    version: int = Field(description="Version of the definition.", examples=[1])
    as_of: datetime | None = Field(
        description="Time of the last message counted; null where none is."
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


class ReportedFigure(FigureItem):
    """A figure with its names."""

    titles: dict[str, str] = Field(description="Title of the figure by language.")
    event_titles: dict[str, str] | None = Field(
        description="Titles of the event by language, where the figure is of one."
    )


class Report(BaseModel):
    """The report of a year."""

    year: int
    figures: list[ReportedFigure]

    @classmethod
    def of(cls, told: YearTold) -> "Report":
        """Return the report that shows a year."""
        return cls(
            year=told.year,
            figures=[
                ReportedFigure(
                    **FigureItem.of(figure).model_dump(),
                    titles={
                        "sv": FIGURES[figure.key].title_sv,
                        "en": FIGURES[figure.key].title_en,
                    },
                    event_titles=dict(told.titles[figure.event_id]) if figure.event_id else None,
                )
                for figure in told.figures.values()
            ],
        )
