"""The links that the house has mailed: what its rehearsal folder holds is what people would get."""

import email
import email.policy
import re
from pathlib import Path
from typing import Final

_LINK: Final = re.compile(r"/[a-z]{2}/r/([0-9A-Za-z_.~-]+)")
_BALLOT: Final = re.compile(r"/[a-z]{2}/e/(([0-9a-f-]{36})\.[0-9A-Za-z_-]+)")


class NoLetter(LookupError):
    """No letter with a link came to the address"""


class Mailbox:
    """Reads the letters in a folder, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()
        self._tokens: dict[str, str] = {}
        self._ballots: dict[tuple[str, str], str] = {}

    def token(self, address: str) -> str:
        """Return the token of the link that was last mailed to an address; raise NoLetter."""
        self._read()
        if address not in self._tokens:
            raise NoLetter(f"no letter with a link came to {address}")
        return self._tokens[address]

    def ballot(self, address: str, survey_id: str) -> str:
        """Return the ballot of a survey that was mailed to an address; raise NoLetter."""
        self._read()
        if (address, survey_id) not in self._ballots:
            raise NoLetter(f"no ballot of survey {survey_id} came to {address}")
        return self._ballots[address, survey_id]

    def _read(self) -> None:
        new = [path for path in self._folder.glob("*.eml") if path not in self._seen]
        for path in sorted(new, key=lambda each: (each.stat().st_mtime_ns, each.name)):
            self._seen.add(path)
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = letter.get_body(("plain",))
            if body is None:
                continue
            text, to = body.get_content(), letter["To"].addresses[0].addr_spec
            if (link := _LINK.search(text)) is not None:
                self._tokens[to] = link[1]
            if (ballot := _BALLOT.search(text)) is not None:
                self._ballots[to, ballot[2]] = ballot[1]
