"""Ports for servers that tests start."""

import random
import socket


def free_port() -> int:
    """Return a free port of 127.0.0.1, below the range of outgoing connections."""
    for _ in range(200):
        port = random.randint(20_000, 32_000)  # noqa: S311 -- no secret
        if is_free(port):
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def is_free(port: int) -> bool:
    """Return whether nobody has this port of 127.0.0.1 at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
