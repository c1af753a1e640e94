"""Bodies of surveys' requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.http.body import Body, Text

Ballot = Annotated[str, StringConstraints(min_length=1, max_length=120)]
"""The token of a link, its secret, or the ballot that is derived from it."""
QuoteStatus = Literal["proposed", "approved", "withdrawn"]


class AnswerIn(Body):
    """A rating, from 1 (not at all) to 5 (very well)."""

    ballot: Ballot
    rating: Annotated[int, Field(ge=1, le=5)]


class WordsIn(Body):
    """What somebody wants to say, and whether others may read it; kept as it was typed."""

    ballot: Ballot
    text: Annotated[str, Text(4_000)]
    may_quote: bool = False


class QuestionOut(BaseModel):
    """The question a survey asks, in its languages; answers are 1 to 5."""

    key: str
    texts: dict[str, str]
    lowest: int = 1
    highest: int = 5


class SurveyOut(BaseModel):
    """A survey; how many answered is told by its result alone."""

    id: str
    event_id: str
    event_titles: dict[str, str] | None
    """Titles of the event by language; null while it is not known here."""
    format: str | None
    local_date: date | None
    year: int
    status: Literal["open", "closed"]
    closes_at: datetime
    """It closes by itself then, or closed by hand before."""
    question: QuestionOut


class BarOut(BaseModel):
    """How many answers gave a rating from `lowest` to `highest`; five or more."""

    lowest: int
    highest: int
    answers: int


class ResultOut(BaseModel):
    """What may be said of a closed survey.

    `rule` says why: band (5 to 9 answers: the mean lies from at_least to at_most), bound (the
    mean is not below at_least, or not above at_most), mean (number, mean and bars).
    """

    model_config = ConfigDict(from_attributes=True)

    survey_id: str
    event_id: str
    year: int
    attended: int
    rule: Literal["band", "bound", "mean"]
    answered: int | None
    mean: str | None
    at_least: str | None
    at_most: str | None
    bars: list[BarOut]


class WordsOut(BaseModel):
    """What somebody wrote for the house; not to be quoted."""

    model_config = ConfigDict(from_attributes=True)

    text: str


class QuoteOut(BaseModel):
    """A quote; `published` is the text as it was approved, `flags` what to look at before."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: QuoteStatus
    text: str | None
    published: str | None
    names_event: bool
    flags: list[str]
    survey_id: str
    event_id: str
    event_titles: dict[str, str] | None
    year: int


class ApprovalIn(Body):
    """The text as it shall be read: the words with […] for each cut; without it, all of them.

    `names_event` false leaves out at which event it was said.
    """

    text: Annotated[str, Text(4_000)] | None = None
    names_event: bool = True


class WithdrawalIn(Body):
    """The receipt code that was shown when the words were sent."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]
