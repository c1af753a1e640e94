"""The rehearsal inbox: what people would have got, read from the mails that lie here."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")
_CURSOR = re.compile(r"([0-9]{1,20})\.([0-9A-Za-z-]{1,64})")


class BadCursor(ValueError):
    """A cursor is not one that was given out"""


@dataclass(frozen=True)
class RehearsalMail:
    """A mail as its reader sees it."""

    id: str
    to: str
    subject: str
    date: datetime | None
    language: str | None
    text: str | None
    html: str | None


class RehearsalInbox:
    """The mails in a folder; without one, mail goes to people and nothing lies here."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def newest(self, limit: int, cursor: str | None) -> tuple[list[RehearsalMail], str | None]:
        """Return the mails that were written last, newest first, and where the rest begins.

        Raises BadCursor. A mail that is removed meanwhile is left out.
        """
        before = _before(cursor)
        if self.folder is None:
            return [], None
        found = sorted((_written(each), each.stem) for each in self.folder.glob("*.eml"))
        rest = [each for each in reversed(found) if before is None or each < before]
        mails = [mail for _, name in rest[:limit] if (mail := self.mail(name)) is not None]
        following = f"{rest[limit - 1][0]}.{rest[limit - 1][1]}" if len(rest) > limit else None
        return mails, following

    def mail(self, name: str) -> RehearsalMail | None:
        """Return a mail, None where none of that name lies here."""
        if self.folder is None or not _NAME.fullmatch(name):
            return None
        try:
            content = (self.folder / f"{name}.eml").read_bytes()
        except FileNotFoundError:
            return None
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        at = mail["Date"].datetime if mail["Date"] else None
        return RehearsalMail(
            id=name,
            to=str(mail["To"]),
            subject=str(mail["Subject"]),
            date=None if at is None else at.astimezone(UTC),
            language=mail["Content-Language"],
            text=_part(mail, "plain"),
            html=_part(mail, "html"),
        )


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content())


def _before(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadCursor("not a cursor of this list")
    return int(found[1]), found[2]
