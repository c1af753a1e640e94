"""Contracts only grow: the checker lets growth pass and finds every planted violation."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.booking import BookingRejected
from shared.contracts.events import EventPublished, PeopleCounted
from shared.contracts.growth import violations
from shared.contracts.message import Message
from shared.contracts.schemas import (
    COMMITTED,
    as_text,
    broken_promises,
    out_of_date,
    schema_of,
    write,
)

Plant = Callable[[dict[str, Any]], None]


def planted(message: type[Message], plant: Plant) -> list[str]:
    """Return what the checker says about the schema of `message` after `plant` changed it."""
    old = schema_of(message)
    new = copy.deepcopy(old)
    plant(new)
    assert new != old
    return violations(old, new)


def drop(schema: dict[str, Any]) -> None:
    del schema["properties"]["room_id"]


def drop_optional(schema: dict[str, Any]) -> None:
    del schema["properties"]["conflicts"]


def rename(schema: dict[str, Any]) -> None:
    schema["properties"]["room"] = schema["properties"].pop("room_id")
    schema["required"].remove("room_id")


def retype(schema: dict[str, Any]) -> None:
    schema["properties"]["expected_people"]["type"] = "string"


def narrow(schema: dict[str, Any]) -> None:
    schema["properties"]["expected_people"]["maximum"] = 10


def widen(schema: dict[str, Any]) -> None:
    schema["properties"]["room_id"]["maxLength"] = 4000


def make_optional(schema: dict[str, Any]) -> None:
    schema["required"].remove("starts_at")


def make_required(schema: dict[str, Any]) -> None:
    schema["required"].append("conflicts")


def add_required(schema: dict[str, Any]) -> None:
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"].append("colour")


def add_reason(schema: dict[str, Any]) -> None:
    schema["properties"]["reason"]["enum"].append("bad-mood")


def other_default(schema: dict[str, Any]) -> None:
    schema["properties"]["organisation_id"]["default"] = "nobody"


def never_null(schema: dict[str, Any]) -> None:
    schema["properties"]["organisation_id"]["anyOf"].pop()


def drop_inside(schema: dict[str, Any]) -> None:
    del schema["$defs"]["Interval"]["properties"]["ends_at"]


def require_inside(schema: dict[str, Any]) -> None:
    schema["$defs"]["BookedFor"]["properties"]["part"] = {"type": "string"}
    schema["$defs"]["BookedFor"]["required"].append("part")


def one_instead_of_many(schema: dict[str, Any]) -> None:
    schema["properties"]["conflicts"] = {"$ref": "#/$defs/Interval", "default": []}


def other_topic(schema: dict[str, Any]) -> None:
    schema["x-topic"] = "andan.booking.refusal.v1"


def other_key(schema: dict[str, Any]) -> None:
    schema["x-key"] = "room_id"


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (drop, "room_id was dropped"),
        (drop_optional, "conflicts was dropped"),
        (rename, "room_id was dropped or renamed"),
        (retype, "expected_people of the message: type was 'integer' and is 'string'"),
        (narrow, "expected_people of the message: maximum"),
        (widen, "room_id of the message: maxLength"),
        (make_optional, "starts_at became optional"),
        (make_required, "conflicts became required"),
        (add_required, "new field colour is required"),
        (add_reason, "reason of the message: enum"),
        (other_default, "organisation_id of the message: default"),
        (never_null, "organisation_id of the message: it admits other kinds"),
        (drop_inside, "ends_at was dropped"),
        (require_inside, "new field part is required"),
        (one_instead_of_many, "conflicts of the message"),
        (other_topic, "x-topic"),
        (other_key, "x-key"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_violation_is_found(plant: Plant, named: str) -> None:
    """A field dropped, renamed, retyped, narrowed or newly required is found, at any depth."""
    found = planted(BookingRejected, plant)
    assert any(named in sentence for sentence in found), found


def test_a_violation_in_a_table_is_found() -> None:
    """Values of a table are part of the promise too."""

    def retype_values(schema: dict[str, Any]) -> None:
        schema["properties"]["by_sector"]["additionalProperties"]["type"] = "number"

    assert planted(PeopleCounted, retype_values)


def test_a_dropped_word_is_found() -> None:
    """A word that events may use cannot be taken back."""

    def without_lunches(schema: dict[str, Any]) -> None:
        schema["$defs"]["EventFormat"]["enum"].remove("larandelunch")

    assert planted(EventPublished, without_lunches)


def grow(schema: dict[str, Any]) -> None:
    schema["properties"]["colour"] = {"type": "string", "default": "red"}


def grow_inside(schema: dict[str, Any]) -> None:
    schema["$defs"]["Interval"]["properties"]["colour"] = {"type": "string"}


def explain(schema: dict[str, Any]) -> None:
    schema["description"] = "Better words."
    schema["properties"]["room_id"]["description"] = "Better words."
    schema["properties"]["room_id"]["examples"] = ["another"]


def reorder(schema: dict[str, Any]) -> None:
    schema["required"].reverse()


def rename_definition(schema: dict[str, Any]) -> None:
    schema["$defs"]["Stretch"] = schema["$defs"].pop("Interval")
    schema["properties"]["conflicts"]["items"]["$ref"] = "#/$defs/Stretch"


@pytest.mark.parametrize("plant", [grow, grow_inside, explain, reorder, rename_definition])
def test_growth_is_no_violation(plant: Plant) -> None:
    """Optional fields at any depth, better prose and another order are allowed."""
    assert planted(BookingRejected, plant) == []


def test_the_committed_schemas_are_kept() -> None:
    """The models keep every promise of the committed schemas, which say what the models say."""
    assert broken_promises() == []
    assert out_of_date() == []
    assert list(COMMITTED.glob("*.json"))


def test_a_dropped_message_is_found(tmp_path: Path) -> None:
    """A message that is gone, or has another name, is a broken promise."""
    write(tmp_path)
    gone = tmp_path / "se.andan.events.event.forgotten.v1.json"
    gone.write_text(as_text(schema_of(EventPublished)), encoding="utf-8")
    assert broken_promises(tmp_path) == [f"{gone.stem}: the message was dropped or renamed."]


def test_the_command_refuses_to_write_what_breaks(tmp_path: Path) -> None:
    """`--write` leaves a committed schema alone that the models no longer keep, and says why."""
    write(tmp_path)
    path = tmp_path / f"{BookingRejected.type}.json"
    promised = schema_of(BookingRejected)
    promised["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(promised), encoding="utf-8")
    ended = _command("--write", "--directory", str(tmp_path))
    assert ended.returncode == 1
    assert "the field colour was dropped or renamed" in ended.stderr
    assert json.loads(path.read_text(encoding="utf-8")) == promised


def test_the_command_tells_what_is_out_of_date(tmp_path: Path) -> None:
    """`--check` fails on a missing schema and changes nothing; `--write` mends it."""
    write(tmp_path)
    (tmp_path / f"{BookingRejected.type}.json").unlink()
    ended = _command("--check", "--directory", str(tmp_path))
    assert ended.returncode == 1
    assert BookingRejected.type in ended.stderr
    assert out_of_date(tmp_path) == [BookingRejected.type]
    assert _command("--write", "--directory", str(tmp_path)).returncode == 0
    assert out_of_date(tmp_path) == []


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shared.contracts", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
