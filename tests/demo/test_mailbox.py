"""The mailbox finds the link that was mailed to somebody."""

import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.demo.mailbox import Mailbox, NoLetter


def deliver(folder: Path, name: str, to: str, text: str, at: int) -> None:
    """Put a letter in the folder, as old as `at` says."""
    letter = EmailMessage()
    letter["To"] = to
    letter.set_content(text)
    letter.add_alternative(f"<p>{text}</p>", subtype="html")
    (folder / name).write_bytes(letter.as_bytes())
    os.utime(folder / name, ns=(at, at))


def test_the_last_link_is_found(tmp_path: Path) -> None:
    """Of several letters to an address the youngest counts, also one that comes later."""
    mailbox = Mailbox(tmp_path)
    deliver(tmp_path, "z.eml", "Åsa Ek <asa@example.org>", "http://h/sv/r/link_first.a", 1)
    deliver(tmp_path, "a.eml", "Åsa Ek <asa@example.org>", "http://h/sv/r/link_second.b", 2)
    deliver(tmp_path, "b.eml", "bo@example.org", "http://h/en/r/link_other.c.\nBye", 3)
    assert mailbox.token("asa@example.org") == "link_second.b"
    deliver(tmp_path, "c.eml", "asa@example.org", "Klicka: http://h/sv/r/link_third.d hej", 4)
    assert mailbox.token("asa@example.org") == "link_third.d"


def test_a_ballot_is_found_by_its_survey(tmp_path: Path) -> None:
    """Each survey's ballot is told from the others that came to the same address."""
    first, second = "0" * 36, "1" * 36
    deliver(tmp_path, "a.eml", "asa@example.org", f"http://h/sv/e/{first}.secret-A hej", 1)
    deliver(tmp_path, "b.eml", "asa@example.org", f"http://h/sv/e/{second}.secret-B", 2)
    mailbox = Mailbox(tmp_path)
    assert mailbox.ballot("asa@example.org", first) == f"{first}.secret-A"
    assert mailbox.ballot("asa@example.org", second) == f"{second}.secret-B"
    with pytest.raises(NoLetter):
        mailbox.ballot("bo@example.org", first)


def test_a_letter_without_a_link_is_none(tmp_path: Path) -> None:
    """Nobody without a link in a letter has a token."""
    deliver(tmp_path, "a.eml", "asa@example.org", "See http://h/sv/events/1", 1)
    with pytest.raises(NoLetter):
        Mailbox(tmp_path).token("asa@example.org")
