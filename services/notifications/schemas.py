"""What the door of notifications takes and shows."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.http.body import Body, Id


class DeliveryStatus(StrEnum):
    """What became of a letter."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"


class DeliveryShown(BaseModel):
    """A letter's way to one recipient; never the address."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    message_id: str = Field(description="Id of the message that caused the letter.")
    template: str = Field(description="Which letter it is.")
    channel: Literal["email"]
    status: DeliveryStatus
    attempts: int
    sent_at: datetime | None
    reason: str | None = Field(description="Why it failed, as a code.")


class SheetsWanted(Body):
    """Ballots to be handed out by hand."""

    survey_id: Id
    count: Annotated[int, Field(ge=1, le=1_000)]
    language: Literal["sv", "en", "ar"] = Field(
        default="sv", description="Language of the pages that the links lead to."
    )


class BallotSheets(BaseModel):
    """Links that answer a survey, each once; they are kept nowhere else."""

    links: list[str]


class UnsubscriptionWanted(Body):
    """The token of the link in a letter."""

    token: Annotated[str, Field(min_length=1, max_length=256)]


class BounceTold(Body):
    """A letter came back, told by whoever reads the mailbox of bounces."""

    delivery_id: Id | None = Field(default=None, description="The delivery.")
    message_id: Annotated[str, Field(min_length=3, max_length=512)] | None = Field(
        default=None, description="The mail's Message-ID, where the delivery is not known."
    )
    kind: Literal["hard", "soft"] = Field(
        default="hard", description="`hard`: there is no such address; nothing goes there any more."
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.delivery_id is None) == (self.message_id is None):
            raise ValueError("either delivery_id or message_id")
        return self


class RehearsalMailShown(BaseModel):
    """A mail that nobody was sent: this installation keeps its mails to itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    to: str
    subject: str
    date: datetime | None
    language: str | None


class RehearsalMailWhole(RehearsalMailShown):
    """A mail with its text; `html` is for showing in a frame that runs nothing."""

    text: str | None
    html: str | None
