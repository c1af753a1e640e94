"""The way out of letters that nobody has to get: one click, by a token that names no address."""

from dataclasses import dataclass

from services.notifications.writing.safe import Marks
from shared.security.links import BadLink, Links

PURPOSE = "unsubscribe"


@dataclass(frozen=True)
class Farewell:
    """Where a person ends such letters: `page` for people, `post` for their mail program."""

    page: str
    post: str


class Farewells:
    """Makes and reads the tokens of farewells; a token is always the same for an address."""

    def __init__(self, links: Links, marks: Marks, source: str) -> None:
        self._links = links
        self._marks = marks
        self._source = source.rstrip("/")

    def farewell(self, email: str, language: str) -> Farewell:
        """Return the way out for an address; raises AddressUnfit."""
        token = self._links.make(PURPOSE, self._marks.mark(email))
        return Farewell(
            page=f"{self._source}/{language}/u/{token}",
            post=f"{self._source}/v1/unsubscriptions/{token}",
        )

    def read(self, token: str) -> str | None:
        """Return the mark of the address that a token is for, None for what is none of ours."""
        try:
            return self._links.read(PURPOSE, token)
        except BadLink:
            return None
