"""The stylesheet, the script and the icon: read once, named by their content, kept for ever."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "assets"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOW: Final = "no-cache"


@dataclass(frozen=True)
class Asset:
    """A file that pages load."""

    name: str
    url: str
    content: bytes
    media_type: str


class Assets:
    """The files of a folder, by their names and by the addresses that pages use."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._named = {path.name: _read(path) for path in sorted(folder.glob("*.*"))}

    def url(self, name: str) -> str:
        """Return the address of a file; another content has another address."""
        return self._named[name].url

    def answer(self, name: str) -> Response | None:
        """Answer a request for `name`, with the hash of its content or without; None: no such.

        A page that was opened before a new version came gets the new file, and keeps it for once.
        """
        stem, _, rest = name.partition(".")
        found = self._named.get(name) or self._named.get(f"{stem}.{rest.rpartition('.')[2]}")
        if found is None:
            return None
        lasting = found.url.endswith(f"/{name}")
        headers = {"Cache-Control": _FOR_EVER if lasting else _NOW}
        return Response(found.content, media_type=found.media_type, headers=headers)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(path.name, f"/assets/{path.stem}.{digest}{path.suffix}", content, media_type)
