"""`make up`: the distributed house as processes, started, watched and stopped by one command."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from services.supervisor.process import SUPERVISED
from shared.testing.jars import NoKafka, jars, java
from shared.testing.ports import free_port
from shared.testing.running_processes import began, told_of
from tests.connected.house import MARKS
from tests.failures.processes import ROOT
from tests.required import unavailable

pytestmark = [each for each in MARKS if each.name != "anyio"]

PATIENCE_SECONDS = 240


class Up:
    """A `python -m services up` in a folder of its own, and what it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = free_port()
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._log = folder / f"said-{self.port}.txt"
        with self._log.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "services", "up", "--port", str(self.port), *arguments],
                cwd=folder,
                env={**inherited, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Everything that it has printed."""
        return self._log.read_text(errors="replace")

    def until(self, done: Callable[[], object], what: str) -> None:
        """Wait until something is so, while it runs."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not done():
            assert time.monotonic() < until, f"{what} never came: {self.said}"
            assert self.child.poll() is None, f"it ended before {what}: {self.said}"
            time.sleep(0.1)

    def says(self, words: str) -> None:
        """Wait until it has said something."""
        self.until(lambda: words in self.said, words)

    def noted(self) -> dict[str, float]:
        """Return what it has written down of its children; it may be writing just now."""
        until = time.monotonic() + 10
        while True:
            try:
                return dict(json.loads((self.folder / "var/up/running.json").read_text()))
            except ValueError:
                assert time.monotonic() < until, "nothing is written down"
                time.sleep(0.02)

    def pids(self) -> dict[int, str]:
        """Return its children that run, with their command lines."""
        noted = self.noted()
        found = {}
        for pid, at in noted.items():
            if began(int(pid)) == at:
                line = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
                found[int(pid)] = line
        return found

    def pid(self, words: str) -> int:
        """Return the child whose command line holds these words."""
        (found,) = (pid for pid, line in self.pids().items() if words in line)
        return found

    def is_ready(self) -> bool:
        """Ask the gateway."""
        try:
            answer = httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10, trust_env=False)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    def kill(self, words: str) -> None:
        """Kill a child without warning, with all that it has started; wait until all is well."""
        pid = self.pid(words)
        os.killpg(pid, signal.SIGKILL)
        self.until(
            lambda: any(words in line for each, line in self.pids().items() if each != pid), words
        )
        self.until(self.is_ready, f"the house with {words}")


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[Up]:
    """Run it; whatever of it is left at the end is killed."""
    try:
        java(), jars()
    except NoKafka as error:
        unavailable(str(error))
    it = Up(folder, *arguments)
    try:
        yield it
    finally:
        if it.child.poll() is None:
            it.child.kill()
            it.child.wait()
        if (folder / "var/up/running.json").exists():
            for pid in it.pids():
                os.killpg(pid, signal.SIGKILL)


def test_it_starts_watches_and_stops(own_folder: Path) -> None:
    """Addresses are told; what is killed is started again and told; Ctrl-C leaves nothing."""
    with up(own_folder, "--replicas", "directory=2") as it:
        it.says("Ctrl-C stops everything")
        asked = dict(re.findall(r"^  (\S+) +(http://\S+)$", it.said, re.MULTILINE))
        assert {"gateway", "directory", "directory-2", "web"} <= asked.keys()
        for address in asked.values():
            assert httpx2.get(f"{address}/metrics", trust_env=False).status_code == 200
        refused(own_folder, free_port(), "already; stop that one first")
        refused(own_folder, it.port, "cannot be used")
        for words in ("-m services events", "kafka.Kafka", "bin/postgres"):
            it.kill(words)
        assert "events has ended by itself (status -9" in it.said
        for server in ("kafka", "postgresql"):
            assert f"{server} has ended by itself" in it.said
        books(it)
        children = it.pids()
        it.child.send_signal(signal.SIGINT)
        assert it.child.wait(PATIENCE_SECONDS) == 0, it.said
        assert "Stopping" in it.said
        assert [line for pid, line in children.items() if began(pid) is not None] == []


def test_what_a_killed_one_leaves_is_ended_and_a_second_signal_ends_at_once(
    own_folder: Path,
) -> None:
    """The next start ends what still runs; two signals while it starts leave nothing either."""
    with up(own_folder) as first:
        first.says("Starting 9 processes" if has_prometheus() else "Starting 8 processes")
        first.until(lambda: len(first.pids()) > 5, "the processes")
        first.child.kill()
        first.child.wait()
        left = first.pids()
        assert left
        with up(own_folder) as second:
            second.says("processes that were left running here have been ended")
            ended = re.search(r"^(\d+) processes that were left", second.said, re.MULTILINE)
            assert ended is not None
            assert int(ended[1]) >= len(left)
            assert [line for pid, line in left.items() if began(pid) is not None] == []
            second.until(lambda: len(second.pids()) > 5, "the processes")
            children = second.pids()
            for _ in range(2):
                second.child.send_signal(signal.SIGINT)
                time.sleep(0.05)
            assert second.child.wait(PATIENCE_SECONDS) == 130, second.said
            until = time.monotonic() + 30
            mine = [f"{SUPERVISED}={own_folder / 'var/up/logs'}"]
            while still := [pid for pid in {*children, *told_of(mine)} if began(pid) is not None]:
                assert time.monotonic() < until, still
                time.sleep(0.05)


def test_a_wrong_number_is_refused(own_folder: Path) -> None:
    """Nothing starts where --replicas says not how many, or names no service."""
    for replicas, sentence in (("events", "says not how many"), ("evnets=2", "no service evnets")):
        refused(own_folder, free_port(), sentence, "--replicas", replicas)


def refused(folder: Path, port: int, sentence: str, *arguments: str) -> None:
    """Start another one; it ends with status 1 and a sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "services", "up", "--port", str(port), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def books(it: Up) -> None:
    """Use the house: what one service is told arrives at another."""
    key = (it.folder / "var/up/admin-key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{it.port}"
    with httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        named = {"name": "Odlarna", "kind": "association"}
        by = client.post("/v1/organisations", json=named).raise_for_status().json()["id"]
        venue = {"name": "Huset", "time_zone": "Europe/Stockholm"}
        place = client.post("/v1/venues", json=venue).raise_for_status().json()["id"]
        room = {"venue_id": place, "name": "Salen", "capacity": 40}
        where = client.post("/v1/rooms", json=room).raise_for_status().json()["id"]
        wish = {"room_id": where, "organisation_id": by, "purpose": "möte", "expected_people": 9}
        wish |= {"starts_at": "2030-05-06T16:00:00Z", "ends_at": "2030-05-06T18:00:00Z"}
        it.until(
            lambda: client.post("/v1/bookings", json=wish).status_code in (201, 409), "the booking"
        )


def has_prometheus() -> bool:
    """Tell whether a Prometheus runs beside the services."""
    return shutil.which("prometheus") is not None
