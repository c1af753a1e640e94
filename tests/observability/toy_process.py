"""The toys as a process that tells of its spans where it is told to."""

import asyncio

from shared.observability.logs import configure_logs
from shared.observability.tracing import tracing
from tests.toy.process import arguments, run

if __name__ == "__main__":
    configure_logs()
    with tracing():
        asyncio.run(run(arguments()))
