"""What the door of notifications shows."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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
