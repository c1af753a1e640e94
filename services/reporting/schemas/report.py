"""The report of a year as JSON, in one fixed order, and the list of years."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.reporting.rules import FIGURES, EventTold, Quote, YearShown
from services.reporting.schemas.figures import ReportedFigure

Status = Literal["open", "closed"]


class YearItem(BaseModel):
    """A year that something is known of."""

    year: int
    status: Status
    closed_at: datetime | None

    @classmethod
    def of(cls, year: int, closed_at: datetime | None) -> "YearItem":
        """Return the item that shows a year."""
        return cls(year=year, status="closed" if closed_at else "open", closed_at=closed_at)


class Bar(BaseModel):
    """How many answers gave a rating from `lowest` to `highest`."""

    lowest: int
    highest: int
    answers: int


class Evaluation(BaseModel):
    """What was released of the evaluation of one event."""

    event_id: str
    event_titles: dict[str, str] = Field(description="Titles by language.")
    format: str
    local_date: date = Field(description="The day it began, where it took place.")
    rule: str = Field(description="What may be told: too-few, band, bound or mean.")
    answered: int | None = Field(description="Answers; null under ten.")
    attended: int
    mean: str | None
    at_least: str | None
    at_most: str | None
    bars: list[Bar] = Field(description="Answers by rating; five or more in each.")

    @classmethod
    def of(cls, event: EventTold) -> "Evaluation":
        """Return what is shown of an event's evaluation."""
        released, state = event.released, event.state
        assert released is not None
        assert state is not None
        at_least, at_most = released.bounds
        return cls(
            event_id=event.event_id,
            event_titles=dict(state.titles),
            format=state.format,
            local_date=date.fromisoformat(state.on),
            rule=released.rule,
            answered=released.answered,
            attended=released.attended,
            mean=released.mean,
            at_least=at_least,
            at_most=at_most,
            bars=[Bar.model_validate(bar, from_attributes=True) for bar in released.bars],
        )


class Month(BaseModel):
    """Visits of a month."""

    month: int = Field(ge=1, le=12)
    visits: int


class QuoteShown(BaseModel):
    """A participant's words."""

    quote_id: str
    text: str = Field(description="The words; what was cut is shown as […].")
    language: str | None
    event_titles: dict[str, str] | None = Field(
        description="Titles of the event by language, where it may be told."
    )

    @classmethod
    def of(cls, quote: Quote, shown: YearShown) -> "QuoteShown":
        """Return what is shown of a quote."""
        titles = shown.told.titles.get(quote.event_id) if quote.event_id else None
        return cls(
            quote_id=quote.quote_id,
            text=quote.text,
            language=quote.language,
            event_titles=dict(titles) if titles else None,
        )


class Theme(BaseModel):
    """A theme of the year."""

    key: str
    titles: dict[str, str] = Field(description="Title by language.")


class AmendmentShown(BaseModel):
    """A figure that is another since the year was closed."""

    key: str
    event_id: str | None
    titles: dict[str, str] = Field(description="Title of the figure by language.")
    event_titles: dict[str, str] | None
    old: str | None = Field(description="The value before; null for a figure that is new.")
    new: str
    why: str | None = Field(description="Type of the late message that made it so.")
    at: datetime


class Report(BaseModel):
    """The report of a year; the same bytes for the same messages."""

    year: int
    status: Status
    closed_at: datetime | None
    as_of: datetime | None = Field(description="Time of the last message counted.")
    figures: list[ReportedFigure]
    evaluations: list[Evaluation]
    months: list[Month]
    quotes: list[QuoteShown]
    themes: list[Theme]
    amendments: list[AmendmentShown]

    @classmethod
    def of(cls, shown: YearShown) -> "Report":
        """Return the report that shows a year."""
        told = shown.told
        evaluations = [Evaluation.of(event) for event in told.evaluated]
        return cls(
            **YearItem.of(shown.year, shown.closed_at).model_dump(),
            as_of=told.as_of,
            figures=[ReportedFigure.named(figure, told.titles) for figure in shown.figures],
            evaluations=sorted(evaluations, key=lambda each: (each.local_date, each.event_id)),
            months=[Month(month=n, visits=visits) for n, visits in enumerate(told.visits, 1)],
            quotes=[QuoteShown.of(quote, shown) for quote in shown.quotes],
            themes=[
                Theme(key=fact.data["key"], titles=dict(fact.data["titles"]))
                for fact in told.themes
            ],
            amendments=_amendments(shown),
        )


def _amendments(shown: YearShown) -> list[AmendmentShown]:
    found = []
    for each in shown.amendments:
        titles = FIGURES[each.key]
        event_titles = shown.told.titles.get(each.event_id) if each.event_id else None
        found.append(
            AmendmentShown(
                key=each.key,
                event_id=each.event_id,
                titles={"sv": titles.title_sv, "en": titles.title_en},
                event_titles=dict(event_titles) if event_titles else None,
                old=each.old,
                new=each.new,
                why=each.why,
                at=each.at,
            )
        )
    return found
