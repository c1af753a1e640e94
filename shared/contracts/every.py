"""Every message of the contracts, by its type; importing this module fills the registry."""

from shared.contracts import booking, directory, events, notifications, reporting, surveys
from shared.contracts.message import MESSAGES, Message

_PUBLISHERS = (booking, directory, events, notifications, reporting, surveys)

CONTRACTS: dict[str, type[Message]] = {
    type_: message
    for type_, message in sorted(MESSAGES.items())
    if message.__module__.startswith(tuple(each.__name__ for each in _PUBLISHERS))
}
"""What the platform promises; `MESSAGES` also knows what a test declared."""
