"""The links that the house has mailed: what its rehearsal folder holds is what people would get."""

import email
import email.policy
import re
from pathlib import Path
from typing import Final

_LINK: Final = re.compile(r"/[a-z]{2}/r/([0-9A-Za-z_.~-]+)")


class NoLetter(LookupError):
    """No letter with a link came to the address"""


class Mailbox:
    """Reads the letters in a folder, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()
        self._tokens: dict[str, str] = {}

    def token(self, address: str) -> str:
        """Return the token of the link that was last mailed to an address; raise NoLetter."""
        self._read()
        if address not in self._tokens:
            raise NoLetter(f"no letter with a link came to {address}")
        return self._tokens[address]

    def _read(self) -> None:
        new = [path for path in self._folder.glob("*.eml") if path not in self._seen]
        for path in sorted(new, key=lambda each: (each.stat().st_mtime_ns, each.name)):
            self._seen.add(path)
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = letter.get_body(("plain",))
            found = _LINK.search(body.get_content()) if body is not None else None
            if found is not None:
                to = letter["To"].addresses[0]
                self._tokens[to.addr_spec] = found[1]
