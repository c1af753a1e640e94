"""Record headers as one column: the lengths as text, a line feed, then all bytes in a row."""

from collections.abc import Iterable

Headers = Iterable[tuple[str, bytes | None]]


def pack(headers: Headers) -> bytes:
    """Return the stored form of (name, value) pairs; values stay bytes, none stays none."""
    parts: list[bytes] = []
    sizes: list[str] = []
    for name, value in headers:
        encoded = name.encode()
        parts.append(encoded)
        sizes.append(str(len(encoded)))
        if value is None:
            sizes.append("-")
        else:
            parts.append(value)
            sizes.append(str(len(value)))
    if not sizes:
        return b""
    return b"%b\n%b" % (",".join(sizes).encode(), b"".join(parts))


def unpack(packed: bytes) -> tuple[tuple[str, bytes | None], ...]:
    """Return the pairs that `pack` stored, in their order."""
    if not packed:
        return ()
    sizes, _, rest = packed.partition(b"\n")
    pairs: list[tuple[str, bytes | None]] = []
    lengths = iter(sizes.split(b","))
    at = 0
    for length in lengths:
        until = at + int(length)
        name = rest[at:until].decode()
        size = next(lengths)
        if size == b"-":
            pairs.append((name, None))
            at = until
        else:
            at = until + int(size)
            pairs.append((name, rest[until:at]))
    return tuple(pairs)
