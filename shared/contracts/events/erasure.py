"""Who took part is forgotten: asked for, and done, by a keyed hash that tells nobody who."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.fields import Count, Id, Slug
from shared.contracts.message import Message

_A_HASH = "5f1d7a84db00d2fce00b31a7fc73224f" * 2


class EventErasure(Message):
    """An erasure of one registration; no two of them tell that they are of one person."""

    topic: ClassVar[str] = "andan.events.erasure.v1"
    keyed_by: ClassVar[str] = "erasure_id"
    about: ClassVar[str] = "erasure_id"
    unlinkable: ClassVar[bool] = True

    erasure_id: Id = Field(
        description="Keyed hash (HMAC-SHA256, hex) of the registration's id; the key stays inside.",
        examples=[_A_HASH],
    )


class RegistrationErasureRequested(EventErasure):
    """Whoever keeps anything of the person of this registration removes it, now and for ever."""

    type: ClassVar[str] = "se.andan.events.erasure.requested.v1"


class RegistrationErased(EventErasure):
    """Events keeps nothing of that person any more."""

    type: ClassVar[str] = "se.andan.events.erasure.erased.v1"

    removed: dict[Slug, Count] = Field(
        max_length=20,
        description="How many rows were removed, by what they were.",
        examples=[{"contacts": 1, "wishes": 2}],
    )
