"""What is decided about letters: language, recipient, how long things are kept."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar, Final, Literal

from shared.problem import Problem

Language = Literal["sv", "en"]

CONTACT_KEPT = timedelta(days=7)
"""How long a contact is kept after its last need: a late letter can still be written."""
DELIVERY_KEPT = timedelta(days=90)
"""How long what became of a letter can be asked; longer than any message acts."""
WITHIN = timedelta(days=2)
"""How old a message may be to cause a letter, and how long a letter is tried."""

ATTENDANCE_KEPT = timedelta(days=400)
"""How long who came may be awaited by a survey; its ballots themselves are kept for a week."""

INVITATION: Final = "survey-invitation"
OPTIONAL: Final = frozenset({INVITATION, "survey-reminder"})
"""Letters about what we want to know, not about what the person does: one click ends them."""

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_STATUS = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.I)


class AddressUnfit(Problem):
    """The address cannot be written to

    It is not one plain address, or holds what could be read as something else.
    """


class NotABounce(Problem):
    """This does not say that a letter came back

    A bounce is a mail as RFC 3464 describes it, with the part that tells of each recipient, and
    the letter that came back or its headers.
    """

    slug: ClassVar[str] = "not-a-bounce"


def is_no_address(answer: str) -> bool:
    """Say whether a mail server's answer or status means that there is no such address.

    A full mailbox, a refusal of this sender or of the text says nothing about the address
    (RFC 3463: 5.1 is about addresses, 5.2.1 a mailbox that takes nothing any more; 5.1.7 and
    5.1.8 are about the sender's).
    """
    if found := _STATUS.search(answer):
        subject, detail = int(found[1]), int(found[2])
        return (subject == 1 and detail not in (7, 8)) or (subject, detail) == (2, 1)
    return answer.strip()[:3] in ("550", "551", "553")


def letter_language(wanted: str) -> Language:
    """Return the language of the letters for somebody who wants `wanted` (BCP 47)."""
    return "en" if wanted.split("-", maxsplit=1)[0] == "en" else "sv"


def in_language(titles: Mapping[str, str], language: str) -> str:
    """Return the title in `language`, else the Swedish one, else the first there is."""
    return titles.get(language) or titles.get("sv") or next(iter(titles.values()))


def mailbox(email: str) -> str:
    """Return the address as mail servers know it: ASCII, the domain in its IDNA form.

    Raises AddressUnfit for whatever is not exactly one plain address (RFC 5321 dot-string), and
    for encoded words (RFC 2047), which some readers decode inside an address.
    """
    local, at, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise AddressUnfit("the domain is none") from None
    if not (at and len(local) <= 64 and _LOCAL.fullmatch(local)) or "=?" in local:
        raise AddressUnfit("what stands before the @ is not a plain name")
    if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
        raise AddressUnfit("what stands after the @ is not a domain")
    return f"{local}@{domain}"


def recipient_hash(message_id: str, email: str) -> str:
    """Return what stands for the recipient of one message, different for every message."""
    return hashlib.sha256(f"{message_id}\0{email.strip().casefold()}".encode()).hexdigest()


def sweep_at(until: datetime) -> datetime:
    """Return when that which is kept until then is deleted: at two in the next night (UTC)."""
    return datetime.combine(until.astimezone(UTC).date() + timedelta(days=1), time(2), UTC)


def reminder_at(opened_at: datetime, closes_at: datetime) -> datetime:
    """Return when whoever was invited is reminded: halfway through."""
    return opened_at + (closes_at - opened_at) / 2
