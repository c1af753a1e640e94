"""What the feed's addresses give."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class PublicMessage(BaseModel):
    """A fact in its public view: a CloudEvent in JSON."""

    specversion: Literal["1.0"]
    id: str = Field(description="The id it has on the bus too: unique for ever.")
    source: str
    type: str
    time: datetime
    subject: str = Field(description="Whose order it stands in: an event, a room, a year.")
    dataschema: str = Field(description="Where the schema of `data` is.")
    datacontenttype: Literal["application/json"]
    data: dict[str, Any] | None = Field(description="Null where there is, or was left, nothing.")


class PublicMessages(BaseModel):
    """Some messages, in the order of the feed."""

    items: list[PublicMessage]
    next: str | None = Field(description="Where the next page begins; null where this is the last.")
    after: str = Field(description="Where to go on, now or later: the next `after`.")
