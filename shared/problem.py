"""What stands in a caller's way, said by the domain: free of HTTP and of any framework."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """What /problems/<slug> tells about a kind of problem."""

    slug: str
    title: str
    explanation: str


_PAGES: dict[str, ProblemPage] = {}


class Problem(Exception):
    """Something stands in the way.

    The root of all errors that a caller is told of. A subclass is named after the situation:
    its name gives the slug (RoomTaken: room-taken), its docstring the title (first line) and
    the explanation. `str()` of it is the detail; keyword arguments become members of the
    document. The status belongs to the door (`install_problems`), not to the error.
    """

    slug: ClassVar[str] = "problem"
    title: ClassVar[str] = "Something stands in the way"

    def __init__(self, detail: str = "", **members: Any) -> None:
        super().__init__(detail)
        self.members: dict[str, Any] = members
        self.headers: dict[str, str] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "slug" not in cls.__dict__:
            cls.slug = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        text = inspect.cleandoc(cls.__doc__ or cls.slug.replace("-", " "))
        if "title" not in cls.__dict__:
            cls.title = text.splitlines()[0].rstrip(".")
        _PAGES.setdefault(cls.slug, ProblemPage(cls.slug, cls.title, text))


def problem_pages() -> Mapping[str, ProblemPage]:
    """Return every kind of problem that this process knows, by slug."""
    return dict(sorted(_PAGES.items()))
