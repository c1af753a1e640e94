"""A letter as a mail: headers in which nobody else's text can become a header."""

import re
import unicodedata
from datetime import UTC
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import Any

from services.notifications.letter import Letter
from services.notifications.rules import mailbox
from services.notifications.writing.farewell import Farewell
from services.notifications.writing.invitation import calendar_file
from services.notifications.writing.wording import Wording

LONGEST_NAME = 45
"""Bytes of a name before an address: one encoded word, which nothing folds in the middle."""
LONGEST_SUBJECT = 160
MOST_ALIKE = 200
_ALIKE = frozenset(
    {
        "from",
        "auto-submitted",
        "list-unsubscribe-post",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-language",
    }
)
"""Headers that name nobody, and say one of a few things."""
_FILES = {"sv": "kalender.ics", "en": "calendar.ics"}
_NAME_MARKS = frozenset(" -'’")


class _Subject(UniqueUnstructuredHeader):
    """A Subject folded as one text: the policy's own way loses spaces between encoded words."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines."""
        charset = "us-ascii" if str(self).isascii() else "utf-8"
        value = Header(str(self), charset, policy.max_line_length, header_name="Subject")
        return f"Subject: {value.encode(linesep=policy.linesep)}{policy.linesep}"


class _ListUnsubscribe(UniqueUnstructuredHeader):
    """List-Unsubscribe on one line: the policy's own way makes encoded words of a long address."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header's line."""
        return f"List-Unsubscribe: {self}{policy.linesep}"


class _Headers(HeaderRegistry):
    """Makes the class of a header once, and reads once what says the same in every letter.

    The library makes a class for every header of every mail, which was most of a letter's cost.
    """

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[str, Any] = {}
        self._known: dict[tuple[str, str], Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return the class of a header."""
        found = self._classes.get(name)
        if found is None:
            found = self._classes[name] = super().__getitem__(name)
        return found

    def __call__(self, name: str, value: Any) -> Any:
        """Return the header; nothing changes one that was made."""
        if name.lower() not in _ALIKE:
            return super().__call__(name, value)
        known = self._known.get((name, str(value)))
        if known is None:
            known = super().__call__(name, value)
            if len(self._known) < MOST_ALIKE:
                self._known[name, str(value)] = known
        return known


_HEADERS = _Headers()
_HEADERS.map_to_type("subject", _Subject)  # type: ignore[arg-type]  # the registry adds that base
_HEADERS.map_to_type("list-unsubscribe", _ListUnsubscribe)  # type: ignore[arg-type]  # as above
_POLICY = SMTP.clone(header_factory=_HEADERS)


def compose(
    letter: Letter,
    wording: Wording,
    *,
    delivery_id: str,
    sender: str,
    host: str,
    farewell: Farewell | None = None,
) -> EmailMessage:
    """Return the mail of a letter: the same bytes every time it is made.

    With a farewell, mail programs show a button that ends such letters (RFC 8058). Raises
    AddressUnfit where the recipient's address is not one plain address.
    """
    address = mailbox(letter.email)
    worded = wording.word(letter, None if farewell is None else farewell.page)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address("Andan", addr_spec=sender)
    mail["To"] = Address(display_name(letter.name or ""), addr_spec=address)
    mail["Subject"] = subject_line(worded.subject)
    mail["Date"] = letter.written_at.astimezone(UTC)
    mail["Message-ID"] = f"<{delivery_id}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    if farewell is not None:
        mail["List-Unsubscribe"] = f"<{farewell.post}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(worded.text, charset="utf-8", cte="quoted-printable")
    mail.add_alternative(worded.html, subtype="html", charset="utf-8", cte="quoted-printable")
    if letter.invitation is not None:
        mail.add_attachment(
            calendar_file(letter, address, sender),
            subtype="calendar",
            charset="utf-8",
            cte="base64",
            filename=_FILES[letter.language],
            params={"method": letter.invitation.method},
        )
    mail["Content-Language"] = letter.language  # setting content drops what stood before
    _fix_boundaries(mail)
    return mail


def display_name(name: str) -> str:
    """Return what of a name may stand before an address: letters, marks, digits and few signs.

    Commas, quotes, brackets, @, control characters, encoded words and changes of direction are
    left out, and a longer one ends after a word; the name in the letter itself is untouched.
    """
    kept = (
        each if unicodedata.category(each)[0] in "LMN" or each in _NAME_MARKS else " "
        for each in unicodedata.normalize("NFC", name)
    )
    words = "".join(kept).split()
    while words and len(" ".join(words).encode()) > LONGEST_NAME:
        words.pop()
    return " ".join(words)


def subject_line(text: str) -> str:
    """Return a text fit for Subject: one line, nothing that decodes to something else."""
    kept = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    line = " ".join(re.sub(r"=(?=\?)", "= ", kept).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _fix_boundaries(mail: EmailMessage) -> None:
    """Name the parts' boundaries by their number: the library's are random.

    In quoted-printable and in base64 no line begins so.
    """
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{number}_")
