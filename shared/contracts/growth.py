"""Whether a contract only grew: what a schema may become while old messages and readers live."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_PROSE = frozenset({"title", "description", "examples", "$defs", "$schema", "$id"})
_COMPARED_INSIDE = frozenset({"properties", "required", "items", "anyOf", "additionalProperties"})


def violations(old: Schema, new: Schema) -> list[str]:
    """Return a sentence for everything in `new` that breaks who relies on `old`.

    Optional fields may be added, at any depth, and prose may change. A field that is dropped or
    renamed, made required or optional, or that admits other values than before is a violation:
    a narrower one refuses old messages, a wider one sends old readers what they refuse.
    """
    return _compare(_Located(old, old, "the message"), _Located(new, new, "the message"))


class _Located:
    """A schema with references followed, the document around it, and its place in words."""

    def __init__(self, schema: Schema, document: Schema, place: str) -> None:
        while "$ref" in schema:
            aside = {name: value for name, value in schema.items() if name != "$ref"}
            target = document["$defs"][schema["$ref"].rsplit("/", 1)[1]]
            schema = {**target, **aside}
        self.schema = schema
        self.document = document
        self.place = place

    def inside(self, schema: Schema, place: str) -> "_Located":
        return _Located(schema, self.document, place)


def _compare(old: _Located, new: _Located) -> list[str]:
    found = [
        f"{old.place}: {name} was {old.schema.get(name)!r} and is {new.schema.get(name)!r}."
        for name in sorted((old.schema.keys() | new.schema.keys()) - _PROSE - _COMPARED_INSIDE)
        if old.schema.get(name) != new.schema.get(name)
    ]
    found += _compare_fields(old, new)
    for name in ("items", "additionalProperties"):
        found += _compare_single(name, old, new)
    return found + _compare_alternatives(old, new)


def _compare_fields(old: _Located, new: _Located) -> list[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    must_before = set(old.schema.get("required", ()))
    must_after = set(new.schema.get("required", ()))
    found = []
    for name, schema in before.items():
        if name not in after:
            found.append(f"{old.place}: the field {name} was dropped or renamed.")
            continue
        if (name in must_before) != (name in must_after):
            became = "required" if name in must_after else "optional"
            found.append(f"{old.place}: the field {name} became {became}.")
        place = f"the field {name} of {old.place}"
        found += _compare(old.inside(schema, place), new.inside(after[name], place))
    found += [
        f"{old.place}: the new field {name} is required."
        for name in after
        if name not in before and name in must_after
    ]
    return found


def _compare_single(name: str, old: _Located, new: _Located) -> list[str]:
    before, after = old.schema.get(name), new.schema.get(name)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        place = f"a value inside {old.place}"
        return _compare(old.inside(before, place), new.inside(after, place))
    return [] if before == after else [f"{old.place}: what it holds became something else."]


def _compare_alternatives(old: _Located, new: _Located) -> list[str]:
    before, after = old.schema.get("anyOf", []), new.schema.get("anyOf", [])
    if len(before) != len(after):
        return [f"{old.place}: it admits other kinds of values."]
    found = []
    for one, other in zip(before, after, strict=True):
        found += _compare(old.inside(one, old.place), new.inside(other, old.place))
    return found
