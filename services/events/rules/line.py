"""Decides who in line gets what has fallen free: strictly in order, a group whole or not yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from services.events.rules.places import Window


class Entry(Protocol):
    """One registration in line."""

    @property
    def people(self) -> int:
        """Places it needs."""


E = TypeVar("E", bound=Entry)


def moves(window: Window, now: datetime) -> bool:
    """Say whether the line still moves: while registration is open and the event not begun."""
    return window.is_open and now < window.closes_at and now < window.starts_at


def next_in_line(free: int, entries: Iterable[E]) -> list[E]:
    """Return those first in line that fit into `free` places together.

    `entries` come in the order of their turn. One that does not fit reserves its turn: nobody
    behind it passes.
    """
    chosen: list[E] = []
    for entry in entries:
        if entry.people > free:
            break
        free -= entry.people
        chosen.append(entry)
    return chosen
