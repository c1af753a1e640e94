"""Domain time comes from the Clock, is aware, and is in UTC."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, product

TECHNICAL = (
    "shared/clock.py",  # the system clock itself
    "shared/gauges.py",  # ages of what waits are in the machine's time
    "shared/messaging/",  # Kafka's timestamps, back-off, ages of what waits
    "services/backup/",  # a backup is of a moment of the machine, and so is its age
    "services/commands/backup.py",  # the same in its name
    "shared/observability/",  # log lines and durations
    "shared/store/",  # leases, and when rows that only plumbing reads may die
    "shared/http/work.py",  # how long an idempotency row lives
    "shared/service.py",  # which rows of the plumbing have had their time
    "shared/testing/",
)
SYSTEM_TIME = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today|utcfromtimestamp)|date\.today"
    r"|time\.(time|time_ns|ctime|localtime|gmtime))$"
)
SQL_TIME = re.compile(
    r"\b(current_(timestamp|time|date)|localtime(stamp)?)\b|\bnow\(\)|\('now'|'now'\s*,",
    re.IGNORECASE,
)
NEVER = re.compile(r"(^|\.)(utcnow|utcfromtimestamp)$")


def system_time(source: Source) -> Iterator[str]:
    """A rule that asks the machine what time it is cannot be replayed, tested or told later.

    Where a hold is made by one clock and released by another, a step of either gives a place away
    twice. And a year is replayed in minutes here: one stray `now()` would date its mails today.
    """
    if source.within(*TECHNICAL):
        return
    for call in source.calls():
        if SYSTEM_TIME.search(dotted(call.func)):
            yield f"{source.at(call)}: {dotted(call.func)}()"


def database_time(source: Source) -> Iterator[str]:
    """A database that fills in the time is a second clock, and on SQLite a naive one."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and re.search(
            r"(^|\.)func\.(now|current_\w+|localtime\w*|sysdate)$", dotted(node.func)
        ):
            yield f"{source.at(node)}: {dotted(node.func)}()"
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in source.docstrings
            and SQL_TIME.search(node.value)
        ):
            yield f"{source.at(node)}: {node.value.strip()[:60]!r}"


def naive_time(source: Source) -> Iterator[str]:
    """A naive time is somebody's wall time, nobody knows whose.

    A store full of them moves by an hour on the last Sunday of October, or by as many as the
    server's zone lies away from the room's.
    """
    if source.within("shared/contracts/envelope.py"):
        return  # it writes `Z` itself, after a change to UTC
    for call in source.calls():
        name = dotted(call.func)
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if NEVER.search(name):
            yield f"{source.at(call)}: {name}()"
        elif name in {"datetime", "datetime.datetime"}:
            starred = None in named or any(isinstance(a, ast.Starred) for a in call.args)
            if "tzinfo" not in named and len(call.args) < 8 and not starred:
                yield f"{source.at(call)}: {name}() without a zone"
        elif (
            name.endswith("replace")
            and isinstance(zone := named.get("tzinfo"), ast.Constant)
            and zone.value is None
        ):
            yield f"{source.at(call)}: the zone is taken away"


def time_columns(source: Source) -> Iterator[str]:
    """A time column with a type or a default of its own comes back naive, or dated by a library.

    With `sa_type=DateTime(timezone=True)` SQLite handed 18:00 in Stockholm back as a naive 18:00;
    the plain annotation is stored in UTC and comes back aware.
    """
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call)):
            continue
        if not re.search(r"\bdatetime\b", ast.unparse(node.annotation)):
            continue
        if dotted(node.value.func).rpartition(".")[2] != "Field":
            continue
        for keyword in node.value.keywords:
            if keyword.arg in {"sa_column", "sa_type", "default_factory", "sa_column_kwargs"}:
                yield f"{source.at(node)}: {keyword.arg} on a time"


RULES = [system_time, database_time, naive_time, time_columns]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_time_is_the_clocks(rule: object) -> None:
    """No file of the product breaks the rule."""
    assert callable(rule)
    assert [found for source in product() for found in rule(source)] == []


PLANTED = [
    (system_time, "at = datetime.now(UTC)"),
    (system_time, "at = datetime.datetime.now(tz=UTC)"),
    (system_time, "at = time.time()"),
    (system_time, "day = date.today()"),
    (database_time, "x = func.now()"),
    (database_time, "x = sa.func.current_timestamp()"),
    (database_time, "x = text('CURRENT_TIMESTAMP')"),
    (database_time, "x = 'select * from t where at < now()'"),
    (database_time, "x = \"select strftime('%s', 'now')\" + \"select datetime('now')\""),
    (naive_time, "x = datetime(2023, 1, 1)"),
    (naive_time, "x = at.replace(tzinfo=None)"),
    (naive_time, "x = datetime.utcnow()"),
    (time_columns, "class R:\n    at: datetime = Field(sa_type=DateTime(timezone=True))"),
    (time_columns, "class R:\n    at: datetime | None = Field(sa_column=Column(DateTime))"),
    (time_columns, "class R:\n    at: datetime = Field(default_factory=now)"),
]


@pytest.mark.parametrize(("rule", "text"), PLANTED)
def test_a_planted_time_is_found(rule: object, text: str) -> None:
    """Each way to get a time past the clock is reported."""
    assert callable(rule)
    assert list(rule(Source("services/booking/handlers.py", text)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_clock_may_be_read(rule: object) -> None:
    """Reading the clock, speaking of time and a plain column are nobody's fault."""
    assert callable(rule)
    innocent = (
        '"""What is due now() is done."""\n'
        "class Hold:\n    ends_at: datetime = Field(index=True)\n"
        "x = clock.now() + work.now\nstart = datetime(2023, 1, 1, tzinfo=UTC)\n"
        "y = time.monotonic()\n"
    )
    assert list(rule(Source("services/booking/handlers.py", innocent))) == []
