"""Who is told about a registration, sealed for notifications."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.fields import Id, Language, Line, LongLine
from shared.contracts.message import Message, Part

_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


class EventContactGiven(Message):
    """Who is told about a registration: an `EventContact`, sealed for notifications.

    Kept a week.
    """

    topic: ClassVar[str] = "andan.events.contact.v1"
    type: ClassVar[str] = "se.andan.events.contact.given.v1"
    keyed_by: ClassVar[str] = "registration_id"
    about: ClassVar[str] = "registration_id"

    registration_id: Id = Field(
        description="The registration; a random id of its own for a letter about none.",
        examples=[_AN_ID],
    )
    sealed: str = Field(
        max_length=60_000,
        description="Compact JWE that notifications alone can open.",
        examples=["eyJhbGciOiJFQ0RILUVTIn0..iv.text.tag"],
    )


class ManageLink(Part):
    """One registration of the person, and the token that manages it."""

    event_id: Id = Field(description="The event.", examples=[_AN_ID])
    registration_id: Id = Field(description="The registration.", examples=[_AN_ID])
    manage_token: LongLine = Field(description="Token of its link.", examples=["a-signed-token"])


class EventContact(Part):
    """What is inside an `EventContactGiven`; never travels readable."""

    name: Line = Field(description="How the person wants to be addressed.", examples=["Alex Ek"])
    email: Line = Field(description="The address.", examples=["alex@example.org"])
    language: Language = Field(description="Language of the letters.", examples=["sv"])
    purpose: Literal["registration", "already-registered", "links"] = Field(
        default="registration",
        description="`registration`: keep for the letters about it; the others are a letter now.",
        examples=["registration"],
    )
    event_id: Id | None = Field(default=None, description="The event.", examples=[_AN_ID])
    manage_token: LongLine | None = Field(
        default=None,
        description="Token of the link that manages it.",
        examples=["a-signed-token"],
    )
    online_url: LongLine | None = Field(
        default=None,
        description="Where to follow it.",
        examples=["https://example.org/room"],
    )
    links: list[ManageLink] = Field(
        default=[],
        max_length=100,
        description="For `links`: every registration of the address.",
        examples=[[]],
    )
