"""Lists in pages: a limit, an opaque cursor, and the keyset SQL behind them."""

from __future__ import annotations

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar, cast, get_args
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Query, Request, Response
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, TypeDecorator, bindparam, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http.problems import InvalidRequest, pointer

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
_MAX_CURSOR: Final = 512
_MAX_INT: Final = 2**63 - 1
_YEARS: Final = range(1900, 2300)
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is the cursor of the following page, or null at the end."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page a request asks for, and the way to answer it."""

    limit: int
    cursor: str | None
    request: Request
    response: Response

    def page(self, items: Sequence[Item], next: str | None) -> Page[Item]:  # noqa: A002 -- api.md's word
        """Return the page and point to the following one in the Link header."""
        if next is not None:
            others = [
                (name, value)
                for name, value in parse_qsl(self.request.scope["query_string"].decode("latin-1"))
                if name != "cursor"
            ]
            query = urlencode([*others, ("cursor", next)])
            path = quote(self.request.scope["path"], safe="/:@!$&'()*+,;=~-._")
            self.response.headers["Link"] = f'<{path}?{query}>; rel="next"'
        return Page(items=list(items), next=next)


async def _paging(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items at most")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=_MAX_CURSOR, description="`next` of the page before")
    ] = None,
) -> Paging:
    return Paging(limit, cursor, request, response)


PagingDep = Annotated[Paging, Depends(_paging)]


async def keyset(
    reader: AsyncSession,
    select: Select[Any],
    keys: Sequence[Any],
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    descending: bool = False,
) -> tuple[list[Any], str | None]:
    """Return at most `limit` rows after `cursor`, ordered by `keys`, and the next cursor.

    `keys` are NOT NULL columns (text, integer, time or day) that together are unique; end them
    with the id. A row is the entity where `select` has one, else a tuple. Rows that come or go
    between two pages never shift the others.

    Raises InvalidRequest for a cursor that was not made for these keys.
    """
    columns = [cast("ColumnElement[Any]", key.expression) for key in keys]
    if cursor is not None:
        after = tuple_(
            *(
                bindparam(None, value, type_=column.type, unique=True)
                for column, value in zip(columns, _decode(cursor, columns), strict=True)
            )
        )
        row = tuple_(*columns)
        select = select.where(row < after if descending else row > after)
    ordered = select.order_by(
        *(column.desc() if descending else column.asc() for column in columns)
    )
    rows = (await reader.execute(ordered.add_columns(*columns).limit(limit + 1))).all()
    width = len(columns)
    items = [row[0] if len(row) == width + 1 else tuple(row[:-width]) for row in rows[:limit]]
    following = _encode(rows[limit - 1][-width:], columns) if len(rows) > limit else None
    return items, following


def _shape(columns: Sequence[ColumnElement[Any]]) -> int:
    return zlib.crc32(" ".join(str(column) for column in columns).encode())


def _encode(values: Sequence[Any], columns: Sequence[ColumnElement[Any]]) -> str:
    plain = [
        value.isoformat() if isinstance(value, date) else value for value in values
    ]  # a datetime is a date too
    text = json.dumps([_shape(columns), *plain], ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def _decode(cursor: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError(cursor)
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        shape, *values = json.loads(text)
        if shape != _shape(columns):
            raise ValueError(shape)
        return [_typed(value, column) for value, column in zip(values, columns, strict=True)]
    except (ValueError, TypeError, RecursionError):
        places = [{"pointer": "cursor", "message": "Not a cursor of this list"}]
        raise InvalidRequest("The cursor is not one of this list.", places) from None


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    stored = column.type
    kind = (stored.impl_instance if isinstance(stored, TypeDecorator) else stored).python_type
    if kind in (datetime, date):
        at: date = kind.fromisoformat(value)
        if at.year not in _YEARS:
            raise ValueError(value)
        return at if not isinstance(at, datetime) or at.tzinfo else at.replace(tzinfo=UTC)
    if type(value) is not kind or (kind is int and abs(value) > _MAX_INT):
        raise ValueError(value)
    if kind is str and "\0" in value.encode().decode():  # encoding refuses lone surrogates
        raise ValueError(value)
    return value


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not declare, and control characters in any.

    A dependency for a router: `APIRouter(dependencies=[Depends(known_parameters)])`.
    """
    query = request.scope["query_string"]
    if not query:
        return
    scope = request.scope
    route = scope.get("fastapi", {}).get("effective_route_context") or scope["route"]
    known = _declared(route.dependant)
    errors = []
    for name, value in request.query_params.multi_items():
        if name not in known:
            errors.append({"pointer": pointer(["query", name]), "message": "Unknown parameter"})
        elif _CONTROLS.search(value):
            errors.append({"pointer": name, "message": "Control characters are not allowed"})
    if errors:
        raise InvalidRequest("The query does not fit; see errors.", errors[:50])


class _ById:
    """Lets a cache hold a Dependant, which compares by value and cannot be hashed."""

    __slots__ = ("dependant",)

    def __init__(self, dependant: Dependant) -> None:
        self.dependant = dependant

    def __hash__(self) -> int:
        return id(self.dependant)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.dependant is self.dependant


def _declared(dependant: Dependant) -> frozenset[str]:
    return _declared_once(_ById(dependant))


@lru_cache(maxsize=2_048)
def _declared_once(key: _ById) -> frozenset[str]:
    names: set[str] = set()
    for field in _query_fields(key.dependant):
        annotation = field.field_info.annotation
        models = [
            kind
            for kind in (annotation, *get_args(annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if not models:
            names.add(field.alias)
        for model in models:
            names.update(info.alias or name for name, info in model.model_fields.items())
    return frozenset(names)


def _query_fields(dependant: Dependant) -> Iterator[ModelField]:
    yield from dependant.query_params
    for dependency in dependant.dependencies:
        yield from _query_fields(dependency)
