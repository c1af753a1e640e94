"""Reading a delivery status notification (RFC 3464): which letter came back, and why."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.policy import default

from services.notifications.rules import NotABounce, is_no_address

_MESSAGE_ID = re.compile(r"<([0-9A-Za-z-]{1,64})@[^<>\s]{1,255}>")


@dataclass(frozen=True)
class BounceReport:
    """A letter came back: its delivery, and whether its address does not exist."""

    delivery_id: str
    is_for_good: bool


def read_report(content: bytes) -> BounceReport:
    """Return what a notification says; raises NotABounce for any other mail.

    The letter is known by the Message-ID that it was sent with, which the notification quotes.
    """
    try:
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        failures = _failures(mail)
        quoted = _quoted_id(mail)
    except (MessageError, LookupError, ValueError, AttributeError, TypeError, AssertionError):
        raise NotABounce("The mail cannot be read.") from None
    if not failures:
        raise NotABounce("No recipient has failed in it.")
    if quoted is None:
        raise NotABounce("It does not quote the Message-ID of a letter of ours.")
    return BounceReport(quoted, all(is_no_address(status) for status in failures))


def _failures(mail: EmailMessage) -> list[str]:
    """Return the status of every recipient who failed: a block of fields each (RFC 3464, 2.3)."""
    found = []
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.get_payload():
            assert isinstance(block, Message)
            if str(block.get("Action", "")).strip().lower() == "failed":
                found.append(str(block.get("Status", "")))
    return found


def _quoted_id(mail: EmailMessage) -> str | None:
    """Return the delivery whose mail, or whose headers alone, the notification has with it."""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind not in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            continue
        payload = part.get_payload()
        if isinstance(payload, list) and isinstance(payload[0], Message):
            text = str(payload[0].get("Message-ID", ""))
        else:
            text = _message_id_line(str(part.get_content()))
        if found := _MESSAGE_ID.search(text):
            return found[1]
    return None


def _message_id_line(headers: str) -> str:
    for line in headers.splitlines():
        if line.lower().startswith("message-id:"):
            return line
    return ""
