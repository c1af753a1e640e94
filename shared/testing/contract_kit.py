"""The contract kit: what a reader outside of the house is tested with, golden sample by sample."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.contracts.envelope import Envelope
from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message, decode

SAMPLES = Path(__file__).parents[2] / "tests" / "contracts" / "samples"
FULL, FUTURE = "full", "from-the-future"
_SOURCE = "https://andan.example/contract-kit"
_TIME = datetime(2023, 4, 19, 11, tzinfo=UTC)
_LATER_HEADER = ("ce_addedlater", b"something this reader does not know")


@dataclass(frozen=True, slots=True)
class Record:
    """A golden sample as Kafka hands it over; `name` says what the sample shows."""

    type: str
    name: str
    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes | None

    @property
    def envelope(self) -> Envelope:
        """The attributes that the headers carry."""
        return Envelope.from_headers(self.headers)


Form = Callable[[Record], Any]


def records(*types: str) -> list[Record]:
    """Return every golden sample of these types (all, where none is named), each with its own id.

    "minimal" has the required fields alone, "full" all of them, "from-the-future" fields and a
    header that no reader of today knows.
    """
    return [record for type_ in types or CONTRACTS for record in _records(CONTRACTS[type_])]


def complaints(
    read: Callable[[Any], object],
    *types: str,
    effect: Callable[[], object] | None = None,
    form: Form = lambda record: record,
) -> list[str]:
    """Return a sentence for everything that `read` does not stand; none means that it fits.

    `read` is given each sample of `types` (as `form` makes it of a Record) and returns what it
    made of it. It must not raise; must make the same of a sample from the future as of the full
    one; must pass over a type that is invented tomorrow; and, where `effect` shows what it did so
    far, must do nothing when the same message comes again.
    """
    found: list[str] = []
    made: dict[tuple[str, str], object] = {}
    for record in records(*types):
        place = f"{record.type} ({record.name})"
        try:
            made[record.type, record.name] = read(form(record))
            done = effect() if effect else None
            read(form(record))
        except Exception as error:  # noqa: BLE001 -- whatever it raises is the complaint
            found.append(f"{place}: raised {error!r}")
            continue
        if effect and effect() != done:
            found.append(f"{place}: come twice, it had two effects")
    for (type_, name), future in made.items():
        if name == FUTURE and future != made.get((type_, FULL), future):
            found.append(f"{type_}: fields from the future change what is made of it")
    for record in records(*types)[:1]:
        try:
            read(form(_invented(record)))
        except Exception as error:  # noqa: BLE001 -- as above
            found.append(f"a type that this reader does not know: raised {error!r}")
    return found


def as_event(record: Record, fields: Collection[str] | None = None) -> dict[str, Any]:
    """Return a sample as the feed would: a CloudEvent in JSON, `data` with these fields alone."""
    envelope = record.envelope
    body = None if record.body is None else json.loads(record.body)
    if body is not None and fields is not None:
        body = {name: value for name, value in body.items() if name in fields}
    return {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time.isoformat().replace("+00:00", "Z"),
        "subject": record.key.decode(),
        "datacontenttype": "application/json",
        "data": body,
    }


def _records(kind: type[Message]) -> Iterator[Record]:
    path = SAMPLES / f"{kind.type}.json"
    samples: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for name, sample in samples.items():
        body = json.dumps(sample, ensure_ascii=False).encode()
        message = decode(kind.type, body)
        envelope = Envelope(
            id=f"{kind.type}/{name}"[-255:],
            source=_SOURCE,
            type=kind.type,
            time=_TIME,
            subject=message.subject(),
            dataschema=kind.dataschema(),
            sequence=1,
        )
        later = (_LATER_HEADER,) if name == FUTURE else ()
        yield Record(
            type=kind.type,
            name=name,
            topic=kind.topic,
            key=message.key().encode(),
            headers=(*envelope.to_headers(), *later),
            body=None if kind.tombstone else body,
        )


def _invented(record: Record) -> Record:
    type_ = record.type.rsplit(".", 2)[0] + ".invented-tomorrow.v1"
    headers = tuple(
        (name, {"ce_type": type_.encode(), "ce_id": b"invented"}.get(name, value))
        for name, value in record.headers
    )
    return Record(type_, "invented", record.topic, record.key, headers, b'{"event_id": "e"}')
