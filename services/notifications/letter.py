"""A letter before it is worded: everything that its text, its headers and its calendar need."""

from datetime import datetime
from typing import Literal

from shared.contracts.message import Part


class Invitation(Part):
    """What the recipient's calendar is told: the same `uid` for ever, `sequence` never falls."""

    method: Literal["REQUEST", "CANCEL"]
    uid: str
    sequence: int


class OwnLink(Part):
    """One of several registrations, with its link."""

    title: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    url: str


class Letter(Part):
    """One letter to one person; `name` is None where nobody has proven yet whose it is.

    Whoever fills in a form for a stranger could otherwise write to that stranger in the house's
    name.
    """

    template: str
    language: Literal["sv", "en"]
    email: str
    written_at: datetime
    title: str = ""
    name: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None
    previous_starts_at: datetime | None = None
    previous_ends_at: datetime | None = None
    previous_place: str | None = None
    place: str | None = None
    online: bool = False
    online_url: str | None = None
    people: int = 1
    position: int | None = None
    confirm_by: datetime | None = None
    answer_by: datetime | None = None
    ballot: str | None = None
    """A ballot as the store keeps it, unreadable; its link is made when the letter is sent."""
    purpose: str | None = None
    reason: str | None = None
    link: str | None = None
    links: list[OwnLink] = []
    invitation: Invitation | None = None
