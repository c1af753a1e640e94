"""Forms: what was typed, whether our own page sent it, and a key that makes a repeat harmless."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup

from shared.ids import new_id

COOKIE: Final = "andan_form"
TOKEN: Final = "_form"  # noqa: S105 -- the name of a field, no secret
KEY: Final = "_key"
LIFETIME_SECONDS: Final = 12 * 3_600
"""Well within the time for which the API remembers a key: a later post could be a second one."""
_MOST_FIELDS: Final = 500
_MOST_KEY: Final = 64
_TURNING_MARKS: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Unseen marks around what was copied, as a telephone wraps its numbers: nobody typed them."""


class NotOurForm(Exception):
    """The form came from a page of another site"""


class StaleForm(Exception):
    """The form is of ours, but too old, or without what shows that"""

    def __init__(self, form: "Form") -> None:
        super().__init__()
        self.form = form


class UnreadableForm(Exception):
    """The body is not a form"""


class Form(dict[str, str]):
    """What was typed, by the name of the field; the first where there are several."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = [(name, value) for name, value in pairs if name not in (TOKEN, KEY)]
        super().__init__(reversed(self.pairs))
        self.key = ""
        """What makes a repeat of this very form harmless."""
        self.token = ""
        """What shows that a page of ours made the form."""

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for each, value in self.pairs if each == name]

    def text(self, name: str) -> str:
        """Return a value without the blanks around it; empty where the field is missing."""
        return self.get(name, "").strip()


def count_of(text: str, most: int) -> int | None:
    """Return the whole number from 1 to `most` that a text is, or None."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return int(text) if 1 <= int(text) <= most else None


def new_cookie() -> str:
    """Return a secret for a visitor's browser."""
    return secrets.token_urlsafe(24)


def hidden_fields(
    cookie: str, *, key: str = "", seconds: Callable[[], float] = time.time
) -> Markup:
    """Return the fields that show that a form is ours, and name this one.

    `key` is the name of a form that is sent once more, so that it has one effect.
    """
    token = _token(cookie, int(seconds()), secrets.token_hex(4))
    return Markup(
        '<input type="hidden" name="{}" value="{}"><input type="hidden" name="{}" value="{}">'
    ).format(TOKEN, token, KEY, key or new_id())


def read_form(body: bytes, media_type: str) -> Form:
    """Return the fields of a body, unchecked; raises UnreadableForm."""
    if media_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise UnreadableForm
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise UnreadableForm from error
    if any("\x00" in name + value for name, value in pairs):
        raise UnreadableForm
    form = Form((name, value.translate(_TURNING_MARKS)) for name, value in pairs)
    found = dict(reversed(pairs))
    key = found.get(KEY, "")
    form.key = key if 0 < len(key) <= _MOST_KEY and key.isascii() and key.isprintable() else ""
    form.token = found.get(TOKEN, "")
    return form


def check_sender(headers: Mapping[str, str], own_hosts: frozenset[str]) -> None:
    """Refuse what a page of another site had a browser send; raises NotOurForm.

    Where a page asks for no referrer, its own form says `Origin: null`: that tells nothing, and
    the token decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise NotOurForm
        return
    origin = headers.get("origin", "null")
    if origin != "null" and urlsplit(origin).netloc not in own_hosts - {""}:
        raise NotOurForm


def is_fresh(form: Form, cookie: str | None, seconds: Callable[[], float] = time.time) -> bool:
    """Tell whether a form was made for this browser within the last half day.

    Time is the system's: a form is as old as the tab that shows it.
    """
    issued, _, rest = form.token.partition(".")
    if not cookie or not form.key or not (issued.isascii() and issued.isdigit()):
        return False
    if len(issued) > 12 or not form.token.isascii():
        return False
    expected = _token(cookie, int(issued), rest.partition(".")[0])
    age = seconds() - int(issued)
    return hmac.compare_digest(expected, form.token) and -60 <= age <= LIFETIME_SECONDS


def _token(cookie: str, issued: int, salt: str) -> str:
    signed = hmac.new(cookie.encode(), f"{issued}.{salt}".encode(), hashlib.sha256).hexdigest()
    return f"{issued}.{salt}.{signed}"
