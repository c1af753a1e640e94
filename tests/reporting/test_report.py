"""The report in its forms: JSON, CSV, tagged PDF; the same bytes for the same messages."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.accept import best_language, best_type
from services.reporting.app import create_service
from services.reporting.pdf import report_pages, report_pdf
from services.reporting.printed import Printed
from services.reporting.rules import FIGURES, Quote, YearShown, tell_year
from services.reporting.rules.facts import Fact, fact_of
from services.reporting.schemas import Report
from services.reporting.tables import COLUMNS, report_table
from services.reporting.wording import DOMAIN, WORDS, day, number
from shared.clock import ReplayClock
from shared.contracts.message import Message, decode
from shared.contracts.words import EventFormat, Sector
from shared.security.principal import PUBLIC
from shared.testing.fixtures import MakeUrl
from shared.testing.running import running
from tests.reporting.logs import invented
from tests.reporting.projection import envelope
from tests.reporting.said import checked_in, heads, published, released

NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)
REPORT = "/v1/years/2023/report"
EVIL = ('=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "a,b\n\"c'd")


def facts_of(seed: int) -> list[Fact]:
    """Return the facts of an invented log."""
    return [
        fact_of(decode(record.type, record.body), envelope(record))
        for record in invented(seed, size=4)
        if record.type in {message.type for message in _heard()}
    ]


def _heard() -> list[type[Message]]:
    return sorted(
        {message for each in FIGURES.values() for message in each.rests_on},
        key=lambda message: message.type,
    )


def report_of(*quotes: str, seed: int = 5) -> Report:
    """Return the report of an invented year with quotes."""
    kept = [Quote(f"q{number}", None, text, "sv") for number, text in enumerate(quotes)]
    return Report.of(YearShown(tell_year(2023, facts_of(seed)), None, {}, kept))


@pytest.mark.anyio
async def test_the_report_shows_evaluations(make_url: MakeUrl, tmp_path: Path) -> None:
    """Means, bounds and bars stand as they were released; the year has both its means."""
    async with running(create_service, make_url, tmp_path, clock=ReplayClock(NOW)) as it:
        await it.hear(*(published(f"e{n}", f"Träff {n}") for n in range(4)))
        await it.hear(
            released("e0"),
            released("e1", rule="mean", answered=10, mean="4.6"),
            released("e2", rule="band", at_least="3.5", at_most="4.5"),
            released("e3", rule="too-few"),
        )
        await it.quiet()
        async with it.client(PUBLIC) as client:
            report = (await client.get(REPORT)).json()
            path = "/v1/years/2023/figures/evaluation_mean"
            of_year = (await client.get(path)).json()
            of_event = (await client.get(path, params={"event_id": "e0"})).json()
            missing = await client.get(path, params={"event_id": "e3"})
    rules = [(each["event_id"], each["rule"], each["mean"]) for each in report["evaluations"]]
    assert rules == [
        ("e0", "mean", "4.0"),
        ("e1", "mean", "4.6"),
        ("e2", "band", None),
        ("e3", "too-few", None),
    ]
    assert report["evaluations"][0]["bars"][1] == {"lowest": 4, "highest": 5, "answers": 38}
    assert report["evaluations"][0]["local_date"] == "2023-05-04"
    told = {(each["key"], each["event_id"]): each for each in report["figures"]}
    assert told["evaluation_mean", None]["value"] == "4.3"
    assert told["evaluation_mean_pooled", None]["value"] == "4.1"
    assert told["evaluation_mean_pooled", None]["n"] == 60
    assert told["evaluation_mean", "e2"]["value"] == '{"at_least":"3.5","at_most":"4.5"}'
    assert told["evaluation_mean", "e2"]["n"] is None
    assert (of_year["n"], of_year["rule"]) == (2, "mean")
    assert {each["type"]: each["count"] for each in of_year["message_types"]} == {
        "se.andan.surveys.survey.result-released.v1": 2,
        "se.andan.events.event.published.v1": 2,
    }
    assert (of_event["n"], of_event["versions"]) == (50, [])
    assert re.fullmatch("[0-9a-f]{64}", of_event["checksum"])
    assert missing.status_code == 404


@pytest.mark.anyio
async def test_the_report_comes_in_every_form(make_url: MakeUrl, tmp_path: Path) -> None:
    """JSON, CSV and PDF by what is accepted; the PDF by the language that is asked for."""
    async with running(create_service, make_url, tmp_path, clock=ReplayClock(NOW)) as it:
        await it.hear(published("e1", "Jämlik hälsa"), heads("e1", 80), checked_in("b1"))
        await it.quiet()
        async with it.client(PUBLIC) as client:
            as_pdf = {"accept": "application/pdf"}
            swedish = await client.get(REPORT, headers=as_pdf)
            english = await client.get(REPORT, headers={**as_pdf, "accept-language": "en-GB"})
            asked = await client.get(f"{REPORT}?language=en", headers=as_pdf)
            table = await client.get(REPORT, headers={"accept": "text/csv"})
            figures = await client.get(
                "/v1/years/2023/figures?limit=1", headers={"accept": "text/csv"}
            )
            refused = await client.get(
                "/v1/years/2023/figures", headers={"accept": "application/pdf"}
            )
    assert swedish.headers["content-type"] == "application/pdf"
    assert swedish.headers["content-language"] == "sv"
    assert english.headers["content-language"] == "en"
    assert english.headers["vary"] == "Accept, Accept-Language"
    assert swedish.content.startswith(b"%PDF-1.7")
    assert swedish.content != english.content == asked.content
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.content.decode(), newline="")))
    assert {row["section"] for row in rows} == {"figure", "month"}
    of_figures = list(csv.DictReader(io.StringIO(figures.content.decode(), newline="")))
    assert of_figures == [row for row in rows if row["section"] == "figure"]
    assert {"key": "attendance", "value": "80", "event_title_sv": "Jämlik hälsa"}.items() <= next(
        row for row in rows if row["key"] == "attendance"
    ).items()
    assert refused.status_code == 406


def test_the_pdf_is_tagged_and_dated() -> None:
    """The PDF is PDF/UA-1, tagged, in its language, dated by the last message it counts."""
    report = report_of("En härlig morgon")
    assert report.as_of is not None
    for language in ("sv", "en"):
        content = report_pdf(report, language)
        for part in (b"/StructTreeRoot", b"/Marked true", b"pdfuaid:part", b"/Alt"):
            assert part in content, part
        assert f"/Lang({language})".encode() in content
        assert f"/CreationDate(D:{report.as_of:%Y%m%d%H%M%S}Z".encode() in content


def test_charts_are_told_in_words() -> None:
    """Every chart has an alternative text that holds what it shows."""
    report = report_of()
    for language in ("sv", "en"):
        shown = Printed(report, language).data()
        charts = [shown[name] for name in ("months", "sectors", "formats")]
        for chart in charts:
            assert chart["rows"]
            values = [row.get("value", row.get("visits")) for row in chart["rows"]]
            assert all(value in chart["alt"] for value in values)
        assert shown["evaluations"]
        for each in shown["evaluations"]:
            assert each["title"] in each["alt"]
            assert each["value"] in each["alt"]
            assert all(bar["told"] in each["alt"] for bar in each["bars"])


def test_the_same_messages_give_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    """Another process, in another zone, locale, home, folder and hash seed, writes the same."""
    report = report_of("En härlig morgon", "شكرا جزيلا", "Tack 🎉")
    source = tmp_path / "report.json"
    source.write_bytes(report.model_dump_json().encode())
    program = (
        "import sys\n"
        "from services.reporting.schemas import Report\n"
        "from services.reporting.pdf import report_pdf\n"
        "from services.reporting.tables import report_table\n"
        "report = Report.model_validate_json(open(sys.argv[1], 'rb').read())\n"
        "out = report.model_dump_json().encode() + report_table(report)\n"
        "sys.stdout.buffer.write(out + report_pdf(report, 'sv') + report_pdf(report, 'en'))\n"
    )
    here = Path(__file__).parents[2]
    environment = {
        "PYTHONPATH": str(here),
        "PATH": os.environ["PATH"],
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "HOME": str(tmp_path),
        "PYTHONHASHSEED": "7",
        "SOURCE_DATE_EPOCH": "1",
    }
    written = subprocess.run(
        [sys.executable, "-c", program, str(source)],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    ).stdout
    ours = report.model_dump_json().encode() + report_table(report)
    assert written == ours + report_pdf(report, "sv") + report_pdf(report, "en")


@pytest.mark.parametrize(
    "text",
    [
        "Toppen 🎉 👍🏽 谢谢 спасибо Ελλάδα ትግርኛ",
        "#emph[x] $x$ `a` \\ <a> @b // c /* d",
        "שלום עולם",
        "\x00\x07 \x7f \u202e \ufdd0",
        "".join(map(chr, range(0x370, 0x600))),  # a run on which the compiler gives up
        "谢谢大家" * 500,
        "a" * 2000,
        "",
    ],
)
def test_no_words_break_the_pdf(text: str) -> None:
    """Whatever a participant wrote, there is a PDF; letters that no font has become boxes."""
    report = report_of(text)
    assert report_pdf(report, "sv").startswith(b"%PDF")
    assert len(report_pages(report, "sv")) in (2, 3)


@given(texts=st.lists(st.sampled_from(EVIL) | st.text(max_size=30), max_size=4))
def test_no_cell_of_the_table_is_a_formula(texts: list[str]) -> None:
    """Every cell is read back as it was, with an apostrophe before what could be a formula."""
    report = report_of().model_copy(update={"quotes": []})
    with_quotes = report_of(*texts)
    content = report_table(with_quotes).decode("utf-8", "surrogatepass")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert list(rows[0]) == list(COLUMNS)
    assert not [cell for row in rows for cell in row.values() if cell[:1] and cell[0] in "=+-@\t\r"]
    quotes = [row["text"] for row in rows if row["section"] == "quote"]
    assert [each.removeprefix("'") for each in quotes] == [each.removeprefix("'") for each in texts]
    assert len(rows) == len(texts) + len(list(_rows(report)))


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    yield from csv.DictReader(io.StringIO(report_table(report).decode(), newline=""))


def test_both_languages_say_everything() -> None:
    """Every sentence, sector and format is there in Swedish and in English, with the same gaps."""
    assert WORDS["sv"].keys() == WORDS["en"].keys()
    for word, sentence in WORDS["sv"].items():
        assert (
            re.findall(r"\{(\w+)\}", sentence).sort()
            == re.findall(r"\{(\w+)\}", WORDS["en"][word]).sort()
        )
    words = {*Sector, *EventFormat}
    assert DOMAIN["sv"].keys() == DOMAIN["en"].keys() == words


@pytest.mark.parametrize(
    ("text", "swedish", "english"),
    [
        ("1226", "1\N{NARROW NO-BREAK SPACE}226", "1,226"),
        ("40.58", "40,58", "40.58"),
        ("4.0", "4,0", "4.0"),
        ("0", "0", "0"),
        ("<5", "<5", "<5"),
        ("²", "²", "²"),
        ("1.", "1.", "1."),
    ],
)
def test_numbers_are_written_as_each_language_does(text: str, swedish: str, english: str) -> None:
    """Swedish has the comma and a narrow space, English the point and the comma."""
    assert number(text, "sv") == swedish
    assert number(text, "en") == english
    assert day(datetime(2023, 10, 19, 23, tzinfo=UTC), "sv") == "19 oktober 2023"


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ([], "application/json"),
        (["*/*"], "application/json"),
        (["text/csv"], "text/csv"),
        (["text/csv;q=0.2, application/json;q=0.1"], "text/csv"),
        (["text/csv;q=0", "*/*;q=0.1"], "application/json"),
        (["application/pdf, */*"], "application/json"),
    ],
)
def test_the_best_type_is_chosen(accept: list[str], best: str) -> None:
    """The type with the greatest weight is answered, JSON where several are alike."""
    assert best_type(accept, ("application/json", "text/csv")) == best


@pytest.mark.parametrize(
    ("accept", "best"),
    [([], "sv"), (["en"], "en"), (["ar, en;q=0.5, sv;q=0.4"], "en"), (["*"], "sv"), (["ar"], "sv")],
)
def test_the_best_language_is_chosen(accept: list[str], best: str) -> None:
    """The language with the greatest weight is spoken, Swedish where none is."""
    assert best_language(accept) == best


def test_a_year_that_nothing_is_known_of_has_a_report() -> None:
    """An empty year is a short PDF without a date, and a table of noughts."""
    empty = Report.of(YearShown(tell_year(2200, []), None, {}, []))
    assert b"/CreationDate" not in report_pdf(empty, "sv")
    assert len(report_pages(empty, "en")) == 1
    values = {row["value"] for row in _rows(empty) if row["section"] == "figure"}
    assert values == {"0"}


def test_a_report_is_read_back_as_it_was() -> None:
    """Its JSON is the whole report: what reads it has all that the other forms are made of."""
    report = report_of("Tack!")
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert json.loads(report.model_dump_json())["status"] == "open"
