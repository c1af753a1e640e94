"""The secrets of the containers: each service starts with its own, and with none fewer."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from services.commands.secret_files import KEYS, secret_files
from services.settings import ProcessSettings
from services.topology import DOMAIN, SERVICES, WITH_STORE, one_service
from shared.security.keyring import KeyMissing, Keyring
from shared.store.migrations import upgrade
from shared.testing.postgres import BINARIES, PostgresServer
from tests.architecture.sources import ROOT

SCRIPT = ROOT / "deploy" / "postgres" / "create-databases.sh"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the secrets of a house."""
    secret_files(tmp_path / "secrets")
    return tmp_path / "secrets"


def start(service: str, monkeypatch: pytest.MonkeyPatch, folder: Path, data: Path) -> None:
    """Make a service as its container does: with its folder of secrets and a Kafka to come."""
    monkeypatch.setenv("ANDAN_SECRETS", str(folder / service))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    one_service(service, ProcessSettings(data=data))


@pytest.mark.anyio
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_needs_each_of_its_keys(
    service: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its folder it can be made; without any one of the keys in it, it names that key."""
    start(service, monkeypatch, folder, tmp_path / "data")
    for key in KEYS[service]:
        text = (folder / service / key).read_text()
        (folder / service / key).unlink()
        with pytest.raises(KeyMissing, match=key):
            start(service, monkeypatch, folder, tmp_path / "data")
        (folder / service / key).write_text(text)
    assert not (tmp_path / "data").exists()


def test_a_folder_holds_nothing_else(folder: Path) -> None:
    """A service's folder has its keys and its own addresses with passwords, and that is all."""
    for service in SERVICES:
        files = {path.name for path in (folder / service).rglob("*") if path.is_file()}
        more = {"database_url", "kafka_password"} if service in WITH_STORE else set[str]()
        mail = {"smtp_url"} if service == "notifications" else set[str]()
        assert files == {*KEYS[service], *more, *mail}
        for place in ("postgres", "topics/passwords"):
            password = (folder / place / "events").read_text().strip()
            assert (service == "events") is any(
                password in path.read_text()
                for path in (folder / service).rglob("*")
                if path.is_file()
            )


def test_only_their_owner_reads_them(folder: Path) -> None:
    """No file and no folder is open to anybody else; but Kafka's to their group, further down."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    kafka = {folder / "kafka", *(folder / "kafka").iterdir()}
    assert {mode for path, mode in modes.items() if path not in kafka} == {0o600, 0o700}
    assert {modes[path] for path in kafka} == {0o640, 0o750}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_run_adds_what_is_missing(folder: Path) -> None:
    """Nothing that is there changes, what is gone comes back, and the copies fit one another."""
    before = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    gone = folder / "booking" / "database_url"
    gone.unlink()
    assert secret_files(folder) == [gone]
    assert {path: path.read_text() for path in folder.rglob("*") if path.is_file()} == before


def test_a_rotated_key_is_handed_on(folder: Path) -> None:
    """After a rotation the next run brings the new key to every service, in the same file."""
    inode = (folder / "web" / "inner.key").stat().st_ino
    Keyring.open(folder / "keys").rotate_inner()
    assert secret_files(folder) == []
    rotated = (folder / "keys" / "inner.key").read_text()
    assert {(folder / each / "inner.key").read_text() for each in SERVICES} == {rotated}
    assert (folder / "web" / "inner.key").stat().st_ino == inode


def test_the_command_says_how_to_go_on(tmp_path: Path) -> None:
    """The command makes the folder, and a file of variables with a user who is not root."""
    told = subprocess.run(
        [sys.executable, "-m", "services", "secrets", str(tmp_path / "made")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert "docker compose --env-file" in told
    variables = (tmp_path / "made" / "compose.env").read_text().splitlines()
    user = variables[0].removeprefix("ANDAN_USER=").split(":")[0]
    assert int(user) == (os.getuid() or 10001)
    assert (tmp_path / "made" / "web" / "inner.key").stat().st_uid == int(user)
    assert variables[1] == f"ANDAN_GROUP={os.getgid() if os.getuid() else 10001}"
    assert variables[2] == f"ANDAN_SECRET_FILES={tmp_path / 'made'}"


@pytest.mark.anyio
@pytest.mark.postgres
async def test_each_service_has_a_database_of_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script makes roles that own their database and cannot enter another's."""
    server = PostgresServer(tmp_path / "server").start()
    try:
        port = str(server.port)
        environment = {
            **os.environ,
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": port,
            "ROLE_PASSWORDS": str(folder / "postgres"),
        }
        subprocess.run([str(SCRIPT)], env=environment, check=True, timeout=60)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
        for name in DOMAIN:
            address = (folder / name / "database_url").read_text().strip()
            address = address.replace("postgres:5432", f"127.0.0.1:{port}")
            monkeypatch.setenv("ANDAN_SECRETS", str(folder / name))
            monkeypatch.setenv("DATABASE_URL", address)
            service = one_service(name, ProcessSettings(data=tmp_path)).front
            await upgrade(service.store.engines, service.parts.migrations)  # type: ignore[union-attr]  # a service with a store
            await service.store.close()  # type: ignore[union-attr]  # a service with a store
            another = "events" if name != "events" else "booking"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(f"{address.removesuffix(name)}{another}")
    finally:
        server.stop()


def test_a_setting_can_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no variable gives it, a setting is the text of a file among the secrets."""
    (tmp_path / "database_url").write_text("postgresql://events:secret@db/events\n")
    monkeypatch.setenv("ANDAN_SECRETS", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert ProcessSettings().store_url("events") == "postgresql://events:secret@db/events"
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/{service}")
    assert ProcessSettings().store_url("events") == "postgresql://elsewhere/events"
    monkeypatch.delenv("ANDAN_SECRETS")
    monkeypatch.delenv("DATABASE_URL")
    assert ProcessSettings().database_url is None
