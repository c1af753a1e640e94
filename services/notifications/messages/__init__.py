"""What notifications hears: `letters` acts on facts, `programme` keeps copies of what they name.

Events and rooms are heard by both: a letter can wait (NotYet) only for what its own subscription
brings, and an event published long ago is known only to one that reads from the beginning.
"""

from services.notifications.messages import bookings, contacts, known, registrations
from services.notifications.messages.subscriptions import Installation, letters, programme

__all__ = [
    "Installation",
    "bookings",
    "contacts",
    "known",
    "letters",
    "programme",
    "registrations",
]
