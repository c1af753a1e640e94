"""A child process that answers on a port: launched, asked whether it is ready, ended."""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

STOP_SECONDS: Final = 30.0
ASK_SECONDS: Final = 5.0
SUPERVISED: Final = "ANDAN_SUPERVISED"
"""Tells a later supervisor of the same folder whose child this is."""
LOGIN: Final = ("KAFKA_USERNAME", "KAFKA_PASSWORD")


@dataclass
class Process:
    """A service that runs as a child, the port it answers on, and what it is told.

    The first process of a service bears its name, the further ones "events-2", "events-3".
    """

    name: str
    service: str
    port: int
    environment: dict[str, str]
    log: Path
    command: Sequence[str]
    ready_path: str = "/readyz"
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    wanted: bool = False
    """Whether it should be running: it was launched, and nobody ended it here."""

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether it runs at this moment."""
        return self.child is not None and self.child.poll() is None

    def launch(self) -> None:
        """Start it (again), on the same port; its log goes on where it ended."""
        assert not self.runs, f"{self.name} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603 -- our own modules, and Prometheus
                self.command,
                env={
                    **_inherited(),
                    **self.environment,
                    "PORT": str(self.port),
                    SUPERVISED: str(self.log.parent),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )
        self.wanted = True

    def ask_to_stop(self) -> None:
        """Send SIGTERM where it runs, and do not wait."""
        self.wanted = False
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)

    def stop(self, seconds: float = STOP_SECONDS) -> int | None:
        """Ask it to stop, and wait as `wait` does."""
        self.ask_to_stop()
        return self.wait(seconds)

    def wait(self, seconds: float = STOP_SECONDS) -> int | None:
        """Wait until it has ended, kill it after `seconds`; return its status (None: never ran)."""
        if self.child is None:
            return None
        try:
            return self.child.wait(max(0.1, seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            return self.child.returncode

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL), and wait until it is gone."""
        self.wanted = False
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def is_ready(self) -> bool:
        """Ask it whether it is ready."""
        asking = HTTPConnection("127.0.0.1", self.port, timeout=ASK_SECONDS)
        try:
            asking.request("GET", self.ready_path)
            return asking.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()


def _inherited() -> dict[str, str]:
    """Return what a child is told of the surroundings: not by whom somebody else logs in."""
    return {name: value for name, value in os.environ.items() if name not in LOGIN}
