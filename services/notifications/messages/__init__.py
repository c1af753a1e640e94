"""What notifications hears: `letters` acts on facts, `programme` keeps copies of what they name.

`ballots` hears who came, for as long as a survey may be about it, and hands ballots to them.
`erasures` hears who is to be erased.

Events and rooms are heard by both: a letter can wait (NotYet) only for what its own subscription
brings, and an event published long ago is known only to one that reads from the beginning.
"""

from services.notifications.messages import bookings, contacts, known, registrations, surveys
from services.notifications.messages.erasure import erasures
from services.notifications.messages.subscriptions import (
    ballots,
    letters,
    programme,
)

__all__ = [
    "ballots",
    "bookings",
    "contacts",
    "erasures",
    "known",
    "letters",
    "programme",
    "registrations",
    "surveys",
]
