"""One step of the year: a request somebody makes at an instant, and what is to be answered."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Stockholm")
PUBLIC: Final = "public"
"""The key of those who have none."""
BY_MAIL: Final = "mail:"
"""What the key of somebody begins with who holds the link that was mailed to an address."""
BALLOT: Final = "ballot/"
"""What a name begins with that stands for a mailed ballot: `ballot/<event>/<address>`."""
_REFERENCE: Final = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """A request, made at an instant.

    `key` names the key it carries. `{name}` in the path, or as a whole string in the body, stands
    for what an earlier step has `taken` from its answer (name: dotted field of the answer). Steps
    of one `lane` go one after another; others of the same instant may go at the same time.
    `answer` are the fields that the answer must have.
    """

    at: datetime
    key: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    status: int = 200
    answer: Mapping[str, Any] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    lane: str = ""

    @property
    def needs(self) -> frozenset[str]:
        """The names that earlier steps must have taken."""
        names = [*_REFERENCE.findall(self.path), *_names(self.body), *self._names_of_key()]
        return frozenset(name for name in names if not name.startswith(BALLOT))

    @property
    def ballots(self) -> frozenset[str]:
        """The names of mailed ballots that it uses."""
        return frozenset(name for name in _names(self.body) if name.startswith(BALLOT))

    def _names_of_key(self) -> list[str]:
        if self.key == PUBLIC or self.key.startswith(BY_MAIL):
            return []
        return [self.key]


def wall(day: date, clock: str) -> datetime:
    """Return the instant at which the wall clocks of the city show `clock` (HH:MM) on a day."""
    hour, minute = map(int, clock.split(":"))
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE).astimezone(UTC)


def text(at: datetime) -> str:
    """Return an instant as the API writes it."""
    return at.isoformat().replace("+00:00", "Z")


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Return a path or body with every reference replaced by what it stands for."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: names[found[1]], value)
    if isinstance(value, Mapping):
        return {name: filled(part, names) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, names) for part in value]
    return value


def picked(answer: Any, field_: str) -> str:
    """Return the field of an answer that a dotted path names (`items.0.id`); raise LookupError."""
    for part in field_.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return str(answer)


def dump(steps: list[Step]) -> bytes:
    """Return a plan as bytes: the same plan, the same bytes."""
    rows = [asdict(step) | {"at": text(step.at)} for step in steps]
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, indent=0).encode()


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _names(part)
