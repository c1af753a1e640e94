"""Processes that tests start, wait for, kill without warning and start again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import httpx2

from shared.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0


class Ended(RuntimeError):
    """A process ended before it was ready"""


class Child:
    """A `python -m …` of our own in a process group of its own, on a port of its own."""

    def __init__(
        self,
        *arguments: str,
        log: Path,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.arguments = arguments
        self.environment = dict(environment or {})
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether it runs at this moment."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def said(self) -> str:
        """Everything it wrote, at all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> Self:
        """Start it (again); nothing it needs of its surroundings is inherited but the path."""
        assert not self.runs
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        surroundings = {**inherited, "PORT": str(self.port), **self.environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=ROOT,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    async def until_ready(self, seconds: float = START_SECONDS) -> Self:
        """Wait until /readyz answers 200; raise Ended with its last words if it ends before."""
        until = time.monotonic() + seconds
        async with httpx2.AsyncClient(base_url=self.url, timeout=5, trust_env=False) as client:
            while True:
                if not self.runs:
                    raise Ended(f"{self.arguments} ended: {self.said[-3000:]}")
                try:
                    answer = await client.get("/readyz")
                    if answer.status_code == 200:
                        return self
                    state = answer.text
                except httpx2.HTTPError as error:
                    state = repr(error)
                if time.monotonic() > until:
                    raise TimeoutError(f"{self.arguments}: {state}; {self.said[-3000:]}")
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it and all it started with SIGKILL, and wait until it is gone."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def terminate(self, seconds: float = 40) -> int:
        """Ask it to stop (SIGTERM); return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 40) -> int:
        """Return its exit status once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(seconds)


@contextmanager
def ended(*children: Child) -> Iterator[None]:
    """End these processes at the end, whatever happens."""
    try:
        yield
    finally:
        for child in children:
            child.kill()
