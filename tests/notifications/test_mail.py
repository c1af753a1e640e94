"""The mail itself: its headers are exactly ours, whatever people and organisers are called."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from services.notifications.letter import Invitation, Letter, OwnLink
from services.notifications.rules import AddressUnfit, mailbox
from services.notifications.writing.mail import (
    LONGEST_SUBJECT,
    compose,
    display_name,
    subject_line,
)
from services.notifications.writing.wording import TEMPLATES, Wording
from tests.notifications.scene import calendar_of, html_of, parsed, text_of

WORDING = Wording()
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]
TRICKS = [
    "A =?UTF-8?Q?=0A?=Bcc: x@y.example",
    "=?utf-8?b?QQ0KQmNjOiB4QHkuZXhhbXBsZQ==?=",
    "A\r\nBcc: x@y.example",
    "A\nBcc: x@y.example\n\n<script>",
    'Ek, Alex" <x@y.example>, "B',
    "x@y.example, z@y.example",
    "a;b:c<d>(e)[f]\\",
    "\u202ereverse\u202c",
    "\x00\x1b\x7f\x85\u2028\u2029",
    "=?=?==?=??=",
    "Åsa " * 70,
    "محمد بن عبد الرحمن " * 12,
    "👩‍👩‍👧‍👦" * 30,
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.lists(
    st.sampled_from([*TRICKS, " ", "=?", "?=", "\r\n", ",", "<", ">", '"', "å", "ب", "a" * 90]),
    max_size=6,
).map("".join)


def letter(template: str = "registration-confirmed", **more: Any) -> Letter:
    """Return a letter with everything that any template shows."""
    at = datetime(2023, 10, 19, 7, tzinfo=UTC)
    values = {
        "template": template,
        "language": "sv",
        "email": "asa@example.org",
        "written_at": datetime(2023, 10, 1, 10, tzinfo=UTC),
        "title": "Jämlik hälsa",
        "name": "Åsa Öberg",
        "starts_at": at,
        "ends_at": at + timedelta(hours=3),
        "time_zone": "Europe/Stockholm",
        "place": "Salen",
        "online": True,
        "online_url": "https://example.org/x?a=1&b=2",
        "people": 2,
        "position": 3,
        "confirm_by": at,
        "purpose": "Styrelsemöte",
        "reason": "other",
        "link": "https://andan.example/sv/r/link_abc.def",
        "invitation": Invitation(method="REQUEST", uid="registration-1@andan.example", sequence=0),
        "links": [
            OwnLink(
                title="Jämlik hälsa",
                starts_at=at,
                ends_at=at,
                time_zone="Europe/Stockholm",
                url="https://andan.example/sv/r/link_abc.def",
            )
        ],
    }
    return Letter.model_validate(values | more)


def mail_of(one: Letter) -> bytes:
    """Return the bytes of a letter's mail."""
    made = compose(
        one,
        WORDING,
        delivery_id="0199a1c2-7d3e",
        sender="no-reply@andan.example",
        host="andan.example",
    )
    return made.as_bytes()


@given(name=ANY_TEXT, title=ANY_TEXT.filter(bool), place=ANY_TEXT)
@example(name=TRICKS[0], title=TRICKS[0], place=TRICKS[2])
@example(name=TRICKS[4], title=TRICKS[1], place=TRICKS[8])
@example(name=TRICKS[10], title=TRICKS[11], place=TRICKS[12])
@example(name=TRICKS[11], title=TRICKS[12], place=TRICKS[10])
def test_no_text_becomes_a_header_or_a_recipient(name: str, title: str, place: str) -> None:
    """Whatever is written into a letter, the mail has the headers and the recipient it should."""
    content = mail_of(letter(name=name, title=title, place=place))
    head = content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    for mail in (parsed(content), message_from_bytes(content, policy=compat32)):
        assert sorted(mail.keys()) == sorted(HEADERS)
    mail = parsed(content)
    (recipient,) = mail["To"].addresses
    assert recipient.addr_spec == "asa@example.org"
    assert recipient.display_name == display_name(name)
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Andan", "no-reply@andan.example")
    twice_read = str(make_header(decode_header(str(mail["Subject"]))))
    assert twice_read.isprintable()
    assert mail["Subject"] == subject_line(f"Du har en plats: {title}")
    assert len(mail["Subject"]) <= LONGEST_SUBJECT
    calendar = Calendar.from_ical(str(calendar_of(mail)))
    assert len(calendar.walk("VEVENT")) == 1
    assert [str(each) for each in calendar.walk("VEVENT")[0].values() if "mailto" in str(each)] == [
        "mailto:asa@example.org",
        "mailto:no-reply@andan.example",
    ]


@given(name=ANY_TEXT, title=ANY_TEXT)
def test_no_text_becomes_markup(name: str, title: str) -> None:
    """What people write is text in the HTML part."""
    html = html_of(parsed(mail_of(letter(name=name + "<script>", title=title + "<b>&"))))
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "name", ["Åsa-Märta von Öhrström Ågren", "محمد بن عبد الرحمن", "Nguyễn Thị Minh-Châu O'Neill"]
)
def test_names_of_people_arrive_as_they_are(name: str) -> None:
    """A long Swedish, Arabic or Vietnamese name is read as it was written."""
    mail = parsed(mail_of(letter(name=name)))
    assert mail["To"].addresses[0].display_name == name
    assert f"Hej {name}!" in text_of(mail)
    assert name.replace("'", "&#39;") in html_of(mail)


@pytest.mark.parametrize(
    ("email", "known_as"),
    [
        ("asa@example.org", "asa@example.org"),
        ("Åsa@example.org", None),
        ("asa@Malmö.example", "asa@xn--malm-8qa.example"),
        ("o'neill+x@sub.example.org", "o'neill+x@sub.example.org"),
        ("a..b@example.org", None),
        ('"a b"@example.org', None),
        ("a@b@example.org", None),
        ("a@example.org, b@example.org", None),
        ("a@example.org\r\nBcc: b@example.org", None),
        ("a@example.org\x00", None),
        ("=?utf-8?q?a=0A?=@example.org", None),
        ("a@[127.0.0.1]", None),
        ("<a@example.org>", None),
        ("a@", None),
        ("@example.org", None),
        ("a", None),
        (f"{'a' * 65}@example.org", None),
        (f"a@{'b' * 64}.example", None),
        ("a@-b.example", None),
        ("a@b..example", None),
    ],
)
def test_only_plain_addresses_are_written_to(email: str, known_as: str | None) -> None:
    """One address, as mail servers know it; everything else is refused."""
    if known_as is not None:
        assert mailbox(email) == known_as
        return
    with pytest.raises(AddressUnfit):
        mailbox(email)


LETTERS = {
    "already-registered",
    "booking-cancelled",
    "booking-confirmed",
    "booking-moved",
    "booking-rejected",
    "booking-requested",
    "event-rescheduled",
    "registration-applied",
    "registration-cancelled",
    "registration-confirmed",
    "registration-declined",
    "registration-links",
    "registration-pending",
    "registration-promoted",
    "registration-selected",
    "registration-waitlisted",
    "survey-invitation",
    "survey-reminder",
}
"""Every letter of the year."""


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_template_can_be_worded(language: str) -> None:
    """Each stands in both languages; text and HTML hold the link, and the same bytes come twice."""
    names = {path.stem for path in (TEMPLATES / language).glob("*.txt")} - {"words"}
    assert names == LETTERS
    for name in sorted(names):
        one = letter(name, language=language)
        content = mail_of(one)
        assert content == mail_of(one)
        mail = parsed(content)
        assert mail["Content-Language"] == language
        for part in (text_of(mail), html_of(mail)):
            assert "{" not in part.partition("</style>")[2]
            assert "Jämlik hälsa" in part or name == "registration-links"
        assert "https://andan.example/sv/r/link_abc.def" in text_of(mail)


def test_the_parts_of_a_mail() -> None:
    """Text, then HTML, then the calendar, which says its method twice as clients expect."""
    mail = parsed(mail_of(letter()))
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    last = list(mail.walk())[-1]
    assert isinstance(last, EmailMessage)
    assert last.get_param("method") == "REQUEST"
    assert last.get_filename() == "kalender.ics"
    assert "METHOD:REQUEST" in str(last.get_content())


def test_templates_are_where_the_code_is() -> None:
    """They travel with the package."""
    assert Path(__file__).parents[2] / "services" / "notifications" / "templates" == TEMPLATES
