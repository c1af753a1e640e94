"""What surveys says: a survey opened and closed, its released result, sealed ballots, quotes.

Nothing here tells who, nor that two of its messages have the same cause: ids are random, and no
message carries a cause or a trace. No message is published for a single answer.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Count, Id, Instant, Language, Slug, Year
from shared.contracts.message import Message, Part

_SURVEY = "se.andan.surveys.survey."
_QUOTE = "se.andan.surveys.quote."
_AN_ID = "5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c21"

Decimal1 = Annotated[str, StringConstraints(max_length=3, pattern=r"^[1-5]\.[0-9]$")]
"""A number from 1.0 to 5.0 with one decimal, as text."""
QuoteText = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class SurveyFact(Message):
    """A fact about the survey of one event."""

    topic: ClassVar[str] = "andan.surveys.survey.v1"
    keyed_by: ClassVar[str] = "survey_id"
    about: ClassVar[str] = "survey_id"
    unlinkable: ClassVar[bool] = True

    survey_id: Id = Field(description="The survey; random.", examples=[_AN_ID])
    event_id: Id = Field(description="The event it asks about.", examples=[_AN_ID])
    year: Year = Field(description="Year the event counts in.", examples=[2023])


class SurveyOpened(SurveyFact):
    """The attendance of an event was closed, and those who came can say what they thought."""

    type: ClassVar[str] = _SURVEY + "opened.v1"

    attended: Count = Field(description="People who came: ballots that were made.", examples=[80])
    question: Slug = Field(
        description="The standard question it asks, by its stable name.", examples=["expectations"]
    )
    closes_at: Instant = Field(
        description="It closes by itself then.", examples=["2023-11-02T11:00:00Z"]
    )


class SurveyClosed(SurveyFact):
    """No answer is taken any more."""

    type: ClassVar[str] = _SURVEY + "closed.v1"

    reason: Literal["by-time", "by-hand"] = Field(
        default="by-time", description="Why.", examples=["by-time"]
    )


class RatingBar(Part):
    """How many answers gave a rating, or one of several ratings that stand together."""

    lowest: int = Field(ge=1, le=5, description="Lowest rating of the bar.", examples=[1])
    highest: int = Field(ge=1, le=5, description="Highest rating of the bar.", examples=[2])
    answers: Count = Field(description="Answers in it; five or more.", examples=[7])


class ResultReleased(SurveyFact):
    """What may be said of a closed survey, said once, by the release gate alone.

    Fewer than five answers: neither number nor rating. Five to nine: only a band. Ten and more:
    the number of answers, the mean to one decimal (or only its bound, where the mean would tell
    what everybody said), and bars of five answers or more.
    """

    type: ClassVar[str] = _SURVEY + "result-released.v1"

    attended: Count = Field(description="People who came.", examples=[80])
    rule: Literal["too-few", "band", "bound", "mean"] = Field(
        description="What the number of answers allowed to be said.", examples=["mean"]
    )
    answered: Count | None = Field(
        default=None, description="Answers, exact from ten on.", examples=[50]
    )
    mean: Decimal1 | None = Field(default=None, description="Mean rating.", examples=["4.0"])
    at_least: Decimal1 | None = Field(
        default=None, description="The mean is not below.", examples=["4.8"]
    )
    at_most: Decimal1 | None = Field(
        default=None, description="The mean is not above.", examples=["5.0"]
    )
    bars: list[RatingBar] = Field(
        default=[],
        max_length=5,
        description="Answers by rating, from low to high; empty where none may be told.",
        examples=[[{"lowest": 1, "highest": 3, "answers": 12}]],
    )


class BallotsMade(Message):
    """Ballots of a survey, in shuffled order: `Ballots`, sealed for notifications.

    Kept a week.
    """

    topic: ClassVar[str] = "andan.surveys.ballot.v1"
    type: ClassVar[str] = "se.andan.surveys.ballot.made.v1"
    keyed_by: ClassVar[str] = "survey_id"
    about: ClassVar[str] = "survey_id"
    unlinkable: ClassVar[bool] = True

    survey_id: Id = Field(description="The survey.", examples=[_AN_ID])
    event_id: Id = Field(description="The event.", examples=[_AN_ID])
    closes_at: Instant = Field(
        description="The survey closes by itself then.", examples=["2023-11-02T11:00:00Z"]
    )
    part: int = Field(
        ge=1, le=100_000, description="Which of the survey's messages it is.", examples=[1]
    )
    parts: int = Field(
        ge=1, le=100_000, description="How many there are of the survey.", examples=[1]
    )
    sealed: str = Field(
        max_length=60_000,
        description="Compact JWE that notifications alone can open.",
        examples=["eyJhbGciOiJFQ0RILUVTIn0..iv.text.tag"],
    )


class Ballots(Part):
    """What is inside a `BallotsMade`; never travels readable."""

    tokens: list[str] = Field(
        max_length=250,
        description="What stands in a link, `<survey>.<secret>`: each for one person, whoever.",
        examples=[["5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c21.a-random-secret"]],
    )


class QuoteFact(Message):
    """A fact about something that a participant wrote and lets others read."""

    topic: ClassVar[str] = "andan.surveys.quote.v1"
    keyed_by: ClassVar[str] = "quote_id"
    about: ClassVar[str] = "quote_id"
    unlinkable: ClassVar[bool] = True

    quote_id: Id = Field(description="The quote; random.", examples=[_AN_ID])


class QuoteApproved(QuoteFact):
    """Somebody of the house approved a quote: it may be read in public."""

    type: ClassVar[str] = _QUOTE + "approved.v1"

    year: Year = Field(description="Year of the event.", examples=[2023])
    event_id: Id | None = Field(
        default=None,
        description="The event, where its result was released; else none.",
        examples=[_AN_ID],
    )
    text: QuoteText = Field(
        description="The participant's words; what was cut is shown as […].",
        examples=["En härlig morgon […] i ett viktigt ämne"],
    )
    language: Language | None = Field(
        default=None, description="Its language, where known.", examples=["sv"]
    )


class QuoteWithdrawn(QuoteFact):
    """The quote is gone: a tombstone on its topic, so that its text goes too."""

    type: ClassVar[str] = _QUOTE + "withdrawn.v1"
    tombstone: ClassVar[bool] = True
