"""What notifications says: what became of each letter, without its address."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.fields import Count, Id, Slug
from shared.contracts.message import Message

_TYPE = "se.andan.notifications.delivery."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


class DeliveryFact(Message):
    """A delivery: one per message, recipient and channel."""

    topic: ClassVar[str] = "andan.notifications.delivery.v1"
    keyed_by: ClassVar[str] = "delivery_id"
    about: ClassVar[str] = "delivery_id"

    delivery_id: Id = Field(description="The delivery.", examples=[_AN_ID])
    message_id: Id = Field(
        description="Id (`ce_id`) of the message that caused it.", examples=[_AN_ID]
    )
    template: Slug = Field(description="Which letter it is.", examples=["registration-confirmed"])
    channel: Literal["email"] = Field(description="How it travels.", examples=["email"])
    attempts: Count = Field(description="Attempts so far, this one included.", examples=[1])


class DeliverySent(DeliveryFact):
    """The mail server took the letter."""

    type: ClassVar[str] = _TYPE + "sent.v1"


class DeliveryFailed(DeliveryFact):
    """A letter was given up."""

    type: ClassVar[str] = _TYPE + "failed.v1"

    reason: Slug = Field(
        default="other",
        description="Why, as a code.",
        examples=["refused", "contact-expired"],
    )


class DeliveryBounced(DeliveryFact):
    """A letter that was sent came back."""

    type: ClassVar[str] = _TYPE + "bounced.v1"


class RecipientErased(Message):
    """Notifications keeps nothing of a person any more, and takes nothing of them again."""

    topic: ClassVar[str] = "andan.notifications.erasure.v1"
    type: ClassVar[str] = "se.andan.notifications.erasure.erased.v1"
    keyed_by: ClassVar[str] = "erasure_id"
    about: ClassVar[str] = "erasure_id"
    unlinkable: ClassVar[bool] = True

    erasure_id: Id = Field(
        description="That of the erasure which was asked for, by events or by booking.",
        examples=["5f1d7a84db00d2fce00b31a7fc73224f5f1d7a84db00d2fce00b31a7fc73224f"],
    )
    removed: dict[Slug, Count] = Field(
        max_length=20,
        description="How many rows were removed, by what they were.",
        examples=[{"contacts": 1, "letters": 1, "deliveries": 3}],
    )
