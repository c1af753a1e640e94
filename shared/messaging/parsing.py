"""How records become FastStream messages without any record being able to stop its batch.

FastStream's own parser decodes every header and fails on one that is not UTF-8; its decoder turns
a tombstone into an empty body that is no JSON. These take their place:

- `parse` and `decode` are every broker's: bad headers are mended, a tombstone is `None`, a body
  that is no JSON raises inside the handler's scope (where a middleware can see it).
- `parse_raw` and `decode_raw` are for a batch subscriber that reads records itself: its handler's
  argument is the tuple of aiokafka's `ConsumerRecord`s, nothing is decoded, nothing can fail.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias

from aiokafka.structs import ConsumerRecord
from faststream.message import StreamMessage, decode_message

Record: TypeAlias = ConsumerRecord[bytes, bytes]
Raw: TypeAlias = Record | tuple[Record, ...]
Parser = Callable[[Any], Awaitable[StreamMessage[Any]]]


async def parse(message: Raw, original: Parser) -> StreamMessage[Any]:
    """Parse one record or a batch; headers that are not UTF-8 keep what can be read of them."""
    try:
        return await original(message)
    except (UnicodeDecodeError, AttributeError):  # bytes that are not text, or a null value
        mended: Raw = (
            tuple(_mended(record) for record in message)
            if isinstance(message, tuple)
            else _mended(message)
        )
        parsed = await original(mended)
        parsed.raw_message = message
        return parsed


async def decode(message: StreamMessage[Any]) -> Any:
    """Decode a body, or each body of a batch; a tombstone is none."""
    raw = message.raw_message
    if isinstance(raw, tuple):
        return [_decoded(record) for record in raw]
    return None if raw.value is None else decode_message(message)


async def parse_raw(message: tuple[Record, ...], original: Parser) -> StreamMessage[Any]:
    """Wrap a batch without reading a single header or body of it."""
    bare = replace(message[0], headers=(), value=b"")
    parsed = await original((bare,))
    parsed.raw_message = message
    return parsed


async def decode_raw(message: StreamMessage[Any]) -> Any:
    """Give the handler the records themselves."""
    return message.raw_message


def _mended(record: Record) -> Record:
    headers = [
        (name, (value or b"").decode(errors="replace").encode()) for name, value in record.headers
    ]
    return replace(record, headers=headers)


def _decoded(record: Record) -> Any:
    if record.value is None:
        return None
    types = [value for name, value in record.headers if name == "content-type" and value]
    content_type = types[-1].decode(errors="replace") if types else None
    return decode_message(
        SimpleNamespace(body=record.value, content_type=content_type)  # type: ignore[arg-type]  # reads no more than these two
    )
