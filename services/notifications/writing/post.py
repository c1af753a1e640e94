"""The way of a mail: into a file of an embedded installation, or to an SMTP server."""

import asyncio
import os
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from services.notifications.rules import is_no_address


class TryLater(Exception):
    """The mail was not taken now, and surely not sent"""


class Refused(Exception):
    """The mail server refused the mail for good"""

    def __init__(self, told: str, *, no_such_address: bool = False) -> None:
        super().__init__(told)
        self.no_such_address = no_such_address
        """Whether it said that nobody has the address, rather than that it takes no such mail."""


class InDoubt(Exception):
    """Nobody can say whether the mail was sent: the server fell silent after it had the text"""


class Post(Protocol):
    """A way for mails."""

    repeatable: bool
    """Whether sending the same mail twice has one effect."""
    keeps_mail: bool
    """Whether a mail that was sent lies here, and can be erased."""
    told: Mapping[str, str | int]
    """What a span tells of the way."""

    async def send(self, delivery_id: str, mail: EmailMessage) -> None:
        """Send a mail; raises TryLater, Refused or InDoubt, none of which holds an address."""
        ...

    def give_up(self, delivery_id: str) -> None:
        """Let a send that is under way, and has not begun to hand the mail over, raise TryLater."""
        ...

    async def erase(self, delivery_id: str) -> None:
        """Remove what lies here of a mail; again, and where nothing does, changes nothing."""
        ...


class FolderPost:
    """Puts each mail into `<delivery id>.eml`, whole or not at all; again is the same file."""

    repeatable = True
    keeps_mail = True
    told: Mapping[str, str | int] = {"network.protocol.name": "file"}

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, delivery_id: str, mail: EmailMessage) -> None:
        """Write the file; raises TryLater where the disk cannot take it."""
        try:
            await asyncio.to_thread(self._write, delivery_id, mail.as_bytes())
        except OSError as error:
            raise TryLater(f"the folder cannot be written ({error.strerror})") from None

    def give_up(self, delivery_id: str) -> None:
        """Do nothing: a file is written in a moment."""

    async def erase(self, delivery_id: str) -> None:
        """Remove the file; see Post."""
        for name in (f"{delivery_id}.eml", f".{delivery_id}.tmp"):
            (self._folder / name).unlink(missing_ok=True)

    def _write(self, delivery_id: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._folder / f".{delivery_id}.tmp"
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._folder / f"{delivery_id}.eml")


class SmtpPost:
    """Hands each mail to an SMTP server, over a connection of its own, with TLS where offered."""

    repeatable = False
    keeps_mail = False

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout = timeout_seconds
        self._under_way: dict[str, tuple[asyncio.Task[None], _Text]] = {}
        self.told: Mapping[str, str | int] = {
            "network.protocol.name": "smtp",
            "server.address": self._host,
            "server.port": self._port,
        }

    async def send(self, delivery_id: str, mail: EmailMessage) -> None:
        """Send the mail; see Post. Before the text is handed over, every failure is harmless."""
        client = SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            timeout=self._timeout,
        )
        text = _Text()
        task = asyncio.create_task(self._send(client, mail, text))
        self._under_way[delivery_id] = (task, text)
        try:
            await asyncio.wait([task])
        finally:
            del self._under_way[delivery_id]
            task.cancel()
            await _take_leave(client)
        if task.cancelled():
            raise TryLater("given up")
        task.result()

    def give_up(self, delivery_id: str) -> None:
        """End an offer that is under way; see Post."""
        if (found := self._under_way.get(delivery_id)) is not None:
            task, text = found
            if not text.has_begun:
                task.cancel()

    async def erase(self, delivery_id: str) -> None:
        """Do nothing: what was handed over lies in mailboxes."""

    async def _send(self, client: SMTP, mail: EmailMessage, text: "_Text") -> None:
        content = mail.as_bytes()
        await self._offer(client, mail)
        await self._hand_over(client, content, text)

    async def _offer(self, client: SMTP, mail: EmailMessage) -> None:
        """Go as far as the text; that we cannot sign in says nothing about this mail.

        All of it may take as long as two answers: who is slower is asked again later.
        """
        step = "connect"
        try:
            async with asyncio.timeout(self._timeout * 2):
                await client.connect()
                step = "sender"
                await client.mail(mail["From"].addresses[0].addr_spec)
                step = "recipient"
                await client.rcpt(mail["To"].addresses[0].addr_spec)
        except SMTPResponseException as error:
            if step != "connect" and _is_for_good(error.code):
                unknown = step == "recipient" and is_no_address(f"{error.code} {error.message}")
                raise Refused(f"answer {error.code}", no_such_address=unknown) from None
            raise TryLater(f"answer {error.code}") from None
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            raise TryLater(type(error).__name__) from None

    async def _hand_over(self, client: SMTP, content: bytes, text: "_Text") -> None:
        try:
            text.watch(client)
            await client.data(content)
        except SMTPResponseException as error:
            if _is_for_good(error.code):
                raise Refused(f"answer {error.code}") from None
            if 400 <= error.code < 500 or not text.has_begun:
                raise TryLater(f"answer {error.code}") from None
            raise InDoubt(f"answer {error.code}") from None
        except (SMTPException, OSError, TimeoutError) as error:
            said = type(error).__name__
            raise (InDoubt(said) if text.has_begun else TryLater(said)) from None


class _Text:
    """Sees whether the text of a mail is on its way: `data` waits for leave before it writes it."""

    def __init__(self) -> None:
        self.has_begun = False

    def watch(self, client: SMTP) -> None:
        """Look at what is written from now on; raises SMTPServerDisconnected where nothing is."""
        if (protocol := client.protocol) is None:
            raise SMTPServerDisconnected("it is gone")
        write = protocol.write

        def note(data: bytes) -> None:
            self.has_begun = data != b"DATA\r\n"
            write(data)

        protocol.write = note  # type: ignore[method-assign]  # nothing else can tell


def _is_for_good(code: int) -> bool:
    return 500 <= code < 600


async def _take_leave(client: SMTP) -> None:
    """Say goodbye without waiting for whoever fell silent."""
    try:
        async with asyncio.timeout(1):
            await client.quit()
    except (SMTPException, OSError, TimeoutError):
        client.close()
