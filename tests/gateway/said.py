"""Messages to be said in tests of the feed, made from the examples of their fields."""

from typing import Any, TypeVar

from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message

M = TypeVar("M", bound=Message)


def full(kind: type[M], **changes: Any) -> M:
    """Return a message with every field at its first example, but for the changes."""
    values = {
        name: field.examples[0] for name, field in kind.model_fields.items() if field.examples
    }
    return kind.model_validate({**values, **changes})


def every() -> list[Message]:
    """Return a full sample of every message of the contracts."""
    return [full(kind) for kind in CONTRACTS.values()]
