"""What only the embedded log promises: durability, one owner, retention and compaction."""

import asyncio
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded import EmbeddedLog, LogFailure, LogInUse, NewRecord
from shared.messaging.embedded.headers import pack, unpack
from tests.bus.scene import Declared, Scene, until

DAY = 86_400.0

APPEND_AND_DIE = """
import os, sys
from shared.messaging.embedded import EmbeddedLog, NewRecord
log = EmbeddedLog(sys.argv[1])
log.open()
log.append([NewRecord("t", b"k", b"%d" % n) for n in range(100)])
log.commit("g", {"t": 40})
os._exit(9)
"""
HOLD = """
import sys
from shared.messaging.embedded import EmbeddedLog
log = EmbeddedLog(sys.argv[1])
log.open()
print("open", flush=True)
sys.stdin.read()
"""


def opened(path: Path | None, now: list[float] | None = None, **settings: object) -> EmbeddedLog:
    """Return an open log with one topic `t`."""
    log = EmbeddedLog(path, clock_time=(lambda: now[0]) if now else time.time)
    log.open()
    log.declare([Declared("t", **settings)])  # type: ignore[arg-type]  # the test's own names
    return log


def values(log: EmbeddedLog) -> list[bytes | None]:
    """Return all values of `t`."""
    return [record.value for record in log.read(log.topic("t"), 0, 1000)]


def test_what_was_appended_survives_the_death_of_the_process(tmp_path: Path) -> None:
    """Records, offsets and acknowledgements are there after a process that ended at once."""
    path = tmp_path / "bus.sqlite"
    opened(path).close()
    died = subprocess.run([sys.executable, "-c", APPEND_AND_DIE, str(path)], check=False)
    assert died.returncode == 9
    log = opened(path)
    assert values(log) == [b"%d" % n for n in range(100)]
    assert log.committed("g", "t") == 40
    assert log.lag("g", ["t"]) == {"t": 60}
    assert log.append([NewRecord("t", b"k", b"next")]) == [100]
    log.close()


def test_a_second_process_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """While one process owns the log, another cannot open it, and learns whose it is."""
    path = tmp_path / "bus.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(LogInUse, match=f"in use by process {owner.pid}"):
            EmbeddedLog(path).open()
        owner.kill()
    log = opened(path)
    with pytest.raises(LogInUse):
        EmbeddedLog(path).open()
    log.close()


def test_offsets_are_never_given_twice(tmp_path: Path) -> None:
    """A topic whose records have all expired goes on counting after a restart."""
    now = [1_000_000.0]
    path = tmp_path / "bus.sqlite"
    log = opened(path, now, retention=timedelta(days=1))
    log.append([NewRecord("t", b"k", b"1"), NewRecord("t", b"k", b"2")])
    assert log.clean(now[0] + 2 * DAY) == 2
    assert log.lag("g", ["t"]) == {"t": 0}
    log.close()
    log = opened(path, now, retention=timedelta(days=1))
    assert (log.topic("t").begin, log.topic("t").end) == (2, 2)
    assert log.append([NewRecord("t", b"k", b"3")]) == [2]
    log.close()


def test_retention_removes_what_is_older_and_nothing_else() -> None:
    """Records older than the retention go; younger ones and other topics stay."""
    now = [1_000_000.0]
    log = opened(None, now, retention=timedelta(days=7))
    log.declare([Declared("ever")])
    log.append([NewRecord("t", b"k", b"old"), NewRecord("ever", b"k", b"old")])
    now[0] += 5 * DAY
    log.append([NewRecord("t", b"k", b"young")])
    assert log.clean(now[0] + 1 * DAY) == 0
    assert log.clean(now[0] + 3 * DAY) == 1
    assert values(log) == [b"young"]
    assert (log.topic("t").begin, log.topic("ever").begin) == (1, 0)
    log.close()


def test_what_expired_is_gone_from_the_files(tmp_path: Path) -> None:
    """After cleaning, no file of the log holds the bytes of an expired record."""
    now = [1_000_000.0]
    log = opened(tmp_path / "bus.sqlite", now, retention=timedelta(days=7))
    log.append([NewRecord("t", b"k", b"a secret that must go") for _ in range(50)])
    now[0] += 30 * DAY
    log.append([NewRecord("t", b"k", b"what stays")])
    log.clean()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"what stays" in stored
    assert b"a secret" not in stored
    log.close()


def test_compaction_leaves_the_latest_of_each_key() -> None:
    """Superseded values go, tombstones stay for a week, the last record stays whatever it is."""
    now = [1_000_000.0]
    log = opened(None, now, compacted=True)
    log.append(
        [
            NewRecord("t", b"a", b"a1"),
            NewRecord("t", b"b", b"b1"),
            NewRecord("t", b"a", b"a2"),
            NewRecord("t", b"b", None),
            NewRecord("t", b"c", b"c1"),
        ]
    )
    assert log.clean() == 2
    assert values(log) == [b"a2", None, b"c1"]
    assert log.clean(now[0] + 6 * DAY) == 0
    assert log.clean(now[0] + 8 * DAY) == 1
    assert values(log) == [b"a2", b"c1"]
    log.append([NewRecord("t", b"c", None)])
    log.clean()
    assert log.clean(now[0] + 30 * DAY) == 0
    assert values(log) == [b"a2", None]
    log.close()


def test_a_full_disk_refuses_and_the_log_goes_on_afterwards(tmp_path: Path) -> None:
    """A batch that does not fit is refused whole; once there is room, no offset is missing."""
    log = opened(tmp_path / "bus.sqlite")
    log.append([NewRecord("t", b"k", b"first")])
    connection = log._storage.connection  # the test fills the disk underneath
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LogFailure, match="full"):
        log.append([NewRecord("t", b"k", bytes(100_000)), NewRecord("t", b"k", b"small")])
    assert values(log) == [b"first"]
    connection.execute("PRAGMA max_page_count=1000000")
    assert log.append([NewRecord("t", b"k", b"second")]) == [1]
    log.close()


def test_a_batch_with_an_unknown_topic_stores_nothing() -> None:
    """One bad record refuses its whole batch."""
    log = opened(None)
    with pytest.raises(UnknownTopicOrPartitionError):
        log.append([NewRecord("t", b"k", b"1"), NewRecord("nowhere", b"k", b"2")])
    assert values(log) == []
    log.close()


def test_a_closed_log_says_so() -> None:
    """Appending to a log that is not open is an error."""
    log = opened(None)
    log.close()
    with pytest.raises(LogFailure, match="not open"):
        log.ping()
    with pytest.raises(UnknownTopicOrPartitionError):
        log.append([NewRecord("t", b"k", b"1")])


@pytest.mark.anyio
async def test_one_turn_of_the_loop_is_one_transaction(tmp_path: Path) -> None:
    """What tasks send in one turn is stored together, in the order it was sent."""
    log = opened(tmp_path / "bus.sqlite")
    commits: list[str] = []
    log._storage.connection.set_trace_callback(commits.append)  # counts commits
    futures = [log.send(NewRecord("t", b"k", b"%d" % n)) for n in range(50)]
    assert await asyncio.gather(*futures) == list(range(50))
    assert commits.count("COMMIT") == 1
    log.close()


@pytest.mark.anyio
async def test_an_append_stands_behind_what_was_sent_before_it(tmp_path: Path) -> None:
    """Sent but not yet stored records go before a batch that is appended after them."""
    log = opened(tmp_path / "bus.sqlite")
    sent = log.send(NewRecord("t", b"k", b"first"))
    assert log.append([NewRecord("t", b"k", b"second")]) == [1]
    assert await sent == 0
    log.close()


@pytest.mark.anyio
async def test_a_reader_passes_what_was_cleaned_away(embedded: Scene) -> None:
    """A group that slept over the retention goes on with what is left, and shows no lag."""
    bus = embedded.bus
    assert isinstance(bus, EmbeddedBus)
    topic = await embedded.topic(retention=timedelta(days=1))
    await embedded.append(topic, b"1", b"2")
    bus.log.clean(time.time() + 2 * DAY)
    await embedded.append(topic, b"3")
    broker, taken, _ = embedded.reader(topic)
    await broker.start()
    await until(lambda: taken)
    assert [(record.offset, record.value) for record in taken] == [(2, b"3")]
    await until(lambda: not bus.log.lag(embedded.group(), [topic])[topic])


@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.none() | st.binary()), max_size=12)
)
def test_headers_are_stored_as_they_are(headers: list[tuple[str, bytes | None]]) -> None:
    """Any names and any bytes come back the same, none included."""
    assert list(unpack(pack(headers))) == headers
