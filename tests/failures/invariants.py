"""The invariants that the campaigns judge, and the tests that could find each of them broken."""

from dataclasses import dataclass
from typing import Final

INTRODUCTION: Final = """\
# Reliability: what was done to Andan, and what was found

This page is made by `python -m tests.failures.record` from the lines of
`tests/failures/record.jsonl`; each line is one run of a campaign, written by the run itself.

A campaign runs the services, each in a process of its own, on a real Kafka and a real PostgreSQL,
lets clients register, cancel, book and ask again, and does harm meanwhile. What clients asked for
is kept as a history of attempts: acknowledged (2xx), refused (4xx) or **unknown** (the connection
was cut, or a 5xx came: it may have had its effect, or not). Now and then the house is left alone
until it rests. Then small checkers compare the history with the answers of the gateway, the rows
of every database, the messages that really stand in the topics, and the letters that lie in
mailboxes.

- *Trials* are faults that struck: a process killed, a server away, a disk full.
- *Judged* is how many things (acknowledged writes, messages, letters, copies) an invariant was
  held against, at all rests together.
- *95 % bound*: where n trials showed no violation, the true rate lies below 3/n with 95 %
  confidence. It says what was not excluded, not what was seen.
- Each checker is proven: `tests/failures/test_checkers.py` shows it doctored histories with one
  planted fault each, and campaigns run against houses with a planted bug and must find it.
- A seed repeats what the dice decided: which process, which instant after which request, which
  traffic. Real processes do not repeat themselves to the microsecond, so a seed repeats the plan
  of a run, not the run.
- `make campaign` plays the campaigns whole, `make test` a sample of each with a seed of its own.
  `ANDAN_ROUNDS=2` says how many rounds, `ANDAN_RECORD=folder` has the lines written there.

PostgreSQL ran with `fsync=off`: the faults are of processes and servers. A machine that loses its
power is not among them. `-dirty` behind a commit says that the tree held changes that were
committed later.

## What campaigns found, and what was mended

Runs that found something are not counted below. They led to these changes:

- A connection on which a unit of work was cancelled while it began came back to the pool in the
  middle of a transaction: who got it next was acknowledged, and nothing of it was kept. Now: such a
  connection is thrown away.
- A relay that was told to end just as rows came went on, for `asyncio.wait_for` forgets such a
  cancellation on Python 3.11: its process could never lead again. Now: no `wait_for`, and what
  does not end is told again.
- What was due and lost a deadlock against a handler waited for half a minute. Now: it is done again
  at once.
- What a process that does not lead put off was seen by the leader up to a minute later. Now: it
  is announced, as the outbox is.
- A message that waited for another was parked at its first failure. Now: it is tried three times,
  as any other.
- A member fenced by itself, after a broker had died over its join, heard nothing any more. Now:
  it joins again.
- A relay that had failed once and then had nothing to send stayed not ready. Now: it is ready
  once it can ask.
- A database that is silent made a consumer park a message. Now: that is a store that is away: it
  waits.
- A full disk was answered 500 where a statement ran on the bare driver. Now: 503, as elsewhere.
- A NUL in a message's id blocked every consumer on PostgreSQL. Now: such an envelope is
  malformed, and parked.
- A store made by a clock that was ahead passed over what came after the clock was set back. Now:
  it knows itself by the clock as it is.
- A quote stayed in the report where its tombstone was missed. Now: it is compared with its topic
  weekly.
- One mail server that hung held up every letter; one that hung before the text left it in doubt.
  Now: places are filled one by one; it is tried later.
- Two processes of a service that opened a new store at once: one ended. Now: they agree.
- A 503 of a store or a service that is away did not say when to ask again. Now: it does.
"""


@dataclass(frozen=True)
class Invariant:
    """What always holds, and where that could be found untrue."""

    says: str
    judged_by: tuple[str, ...]


_PROCESSES = "tests/failures/distributed/test_processes.py"
_EMBEDDED = "tests/failures/test_platform_killed.py"
_TOY = "tests/failures/test_toy_killed.py"

INVARIANTS: Final = {
    "I1": Invariant(
        "No two confirmed bookings of a room overlap",
        (_PROCESSES, _EMBEDDED, "tests/booking/test_overlap.py"),
    ),
    "I2": Invariant(
        "Of those who want a free room at once, exactly one gets it",
        ("tests/booking/test_overlap.py",),
    ),
    "I3": Invariant(
        "No event has more people confirmed than places, at any read",
        (_PROCESSES, _EMBEDDED, "tests/events/test_races.py"),
    ),
    "I4": Invariant(
        "The waiting list is strict; each freed place goes to exactly one",
        (_PROCESSES, _EMBEDDED, "tests/events/test_line.py"),
    ),
    "I5": Invariant("What was acknowledged is never lost", (_PROCESSES, _EMBEDDED, _TOY)),
    "I6": Invariant("A change and the message that tells of it are there together", (_PROCESSES,)),
    "I7": Invariant("Every committed message is published", (_PROCESSES, _TOY)),
    "I8": Invariant(
        "One message has exactly one effect per consumer, however often it comes",
        (_PROCESSES, _EMBEDDED, _TOY, "tests/failures/test_topics_twice.py"),
    ),
    "I9": Invariant(
        "The same Idempotency-Key gives the same answer and one effect, also after a restart",
        (_PROCESSES, _EMBEDDED, "tests/plumbing/test_requests.py"),
    ),
    "I10": Invariant("Per key, topics and consumers see the order of commits", (_PROCESSES, _TOY)),
    "I11": Invariant("There is no effect without a cause", (_PROCESSES, _EMBEDDED, _TOY)),
    "I12": Invariant(
        "A projection that is rebuilt from the topics is the one that was lived",
        (_PROCESSES, "tests/backup/test_under_traffic.py"),
    ),
    "I13": Invariant(
        "A message that cannot be handled blocks nobody for long, and is never lost",
        ("tests/failures/test_malformed.py", "tests/plumbing/test_messages.py"),
    ),
    "I14": Invariant(
        "One letter per message, person and channel; one that is in doubt is visible",
        (_PROCESSES, _EMBEDDED, "tests/failures/test_smtp_faults.py"),
    ),
    "I15": Invariant(
        "A reminder comes once, at the right wall time, over the change of the clocks too",
        ("tests/failures/test_clock_steps.py", "tests/notifications/test_dates.py"),
    ),
    "I16": Invariant(
        "Two relays or schedulers of a store never both act",
        (_PROCESSES, "tests/failures/test_toy_race.py"),
    ),
    "I17": Invariant(
        "Steps of the machine's clock do no harm", ("tests/failures/test_clock_steps.py",)
    ),
    "I19": Invariant(
        "One person gives at most one answer",
        ("tests/failures/test_surveys_killed.py", "tests/failures/distributed/test_surveys.py"),
    ),
    "I26": Invariant("A graceful stop loses nothing", (_PROCESSES,)),
    "I27": Invariant("Version N−1 and N work side by side", ("tests/several",)),
    "I28": Invariant(
        "Full disk, no database, no broker: refused cleanly, recovered alone",
        (
            "tests/failures/test_kafka_away.py",
            "tests/failures/test_brokers_killed.py",
            "tests/failures/test_postgres_killed.py",
            "tests/failures/test_cuts.py",
            "tests/failures/test_disk_full.py",
        ),
    ),
    "I29": Invariant(
        "A backup taken under load restores to a state that passes I1 to I8",
        ("tests/backup/test_under_traffic.py", "tests/backup/test_distributed.py"),
    ),
}
"""By their numbers in the design."""
