"""Child processes that benchmarks measure: started, waited for, ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import psutil

from shared.testing.ports import free_port

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Child:
    """A server that answers on `port`, and how long it took to."""

    process: subprocess.Popen[bytes]
    port: int
    started_in: float

    @property
    def mebibytes(self) -> float:
        """Resident memory of the process."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the process so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def server(
    module: str, *arguments: str, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run `python -m module arguments` until the block ends; `{port}` in an argument is its port.

    It is there once `ready` (a path) is answered below 500.
    """
    port = free_port()
    given = [argument.replace("{port}", str(port)) for argument in arguments]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *given],
        env={**os.environ, "PORT": str(port), **(environment or {})},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(process, port, ready)
        yield Child(process, port, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, ready: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if httpx2.get(f"http://127.0.0.1:{port}{ready}", timeout=5).status_code < 500:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.01)
    raise RuntimeError("the server did not answer in time")
