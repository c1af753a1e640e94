"""The keys of an installation, as files."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.security.keyring import (
    INNER,
    LINKS,
    SEALING_PRIVATE,
    SEALING_PUBLIC,
    KeyExposed,
    KeyMissing,
    Keyring,
    YearKeyDestroyed,
)
from shared.security.principal import PUBLIC
from shared.security.sealing import CannotOpen


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    """A second start uses the keys of the first."""
    first, second = Keyring.open(tmp_path / "keys"), Keyring.open(tmp_path / "keys")
    token = first.inner_key().mint(PUBLIC)
    sealed = first.sealer().seal(b"x")
    link = first.links().make("registration", "r1")
    year = first.year_key(2023)
    assert second.inner_key().read(token) == PUBLIC
    assert second.opener().open(sealed) == b"x"
    assert second.links().read("registration", link) == "r1"
    assert second.year_key(2023) == year
    assert second.year_key(2024) != year


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """Files have mode 0600, folders 0700, and nothing else is left lying about."""
    keyring = Keyring.open(tmp_path / "keys")
    keyring.inner_key(), keyring.links(), keyring.sealer(), keyring.year_key(2023)
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        *(INNER, LINKS, SEALING_PRIVATE, SEALING_PUBLIC, "2023.key")
    }
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "years").stat().st_mode & 0o777 == 0o700


def test_an_exposed_key_stops_the_start(tmp_path: Path) -> None:
    """A key that others can read is refused with the command that mends it."""
    Keyring.open(tmp_path).inner_key()
    (tmp_path / INNER).chmod(0o644)
    with pytest.raises(KeyExposed, match="chmod 600"):
        Keyring.open(tmp_path)


def test_a_service_has_only_its_own_secrets(tmp_path: Path) -> None:
    """In the distributed mode nothing is made: what was not given is missed by name."""
    whole = Keyring.open(tmp_path / "whole")
    whole.sealer()
    given = tmp_path / "events"
    given.mkdir()
    (given / SEALING_PUBLIC).write_bytes((tmp_path / "whole" / SEALING_PUBLIC).read_bytes())
    events = Keyring.from_environment(tmp_path, {"ANDAN_SECRETS": str(given)})
    assert whole.opener().open(events.sealer().seal(b"x")) == b"x"
    with pytest.raises(KeyMissing, match=r"sealing\.private\.json"):
        events.opener()
    with pytest.raises(KeyMissing, match=r"inner\.key"):
        events.inner_key()
    assert "d" not in json.loads((given / SEALING_PUBLIC).read_text())


def test_without_secrets_in_the_environment_keys_lie_beside_the_data(tmp_path: Path) -> None:
    """The embedded installation keeps its keys under <data>/keys."""
    Keyring.from_environment(tmp_path, {}).inner_key()
    assert (tmp_path / "keys" / INNER).exists()


def test_rotation_keeps_the_key_before_and_drops_the_one_before_that(tmp_path: Path) -> None:
    """After one rotation old texts open, after two they do not."""
    keyring = Keyring.open(tmp_path)
    sealed, link = keyring.sealer().seal(b"x"), keyring.links().make("registration", "r1")
    token = keyring.inner_key().mint(PUBLIC)
    keyring.rotate_sealing()
    keyring.rotate_links()
    keyring.rotate_inner()
    assert keyring.opener().open(sealed) == b"x"
    assert keyring.opener().open(keyring.sealer().seal(b"y")) == b"y"
    assert keyring.links().read("registration", link) == "r1"
    assert keyring.inner_key().read(token) == PUBLIC
    assert keyring.links().make("registration", "r1") != link
    keyring.rotate_sealing()
    with pytest.raises(CannotOpen):
        keyring.opener().open(sealed)


def test_a_destroyed_year_stays_destroyed(tmp_path: Path) -> None:
    """No second key is ever made for a year, in this process or a later one."""
    keyring = Keyring.open(tmp_path)
    key = keyring.year_key(2023)
    keyring.destroy_year_key(2023)
    keyring.destroy_year_key(2023)
    for again in (keyring, Keyring.open(tmp_path)):
        with pytest.raises(YearKeyDestroyed):
            again.year_key(2023)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key not in held
    assert keyring.year_key(2024)


def test_many_that_start_at_once_agree(tmp_path: Path) -> None:
    """Whoever makes a key first, everybody reads the same one."""

    def begin(_: int) -> tuple[bytes, str]:
        keyring = Keyring.open(tmp_path)
        return keyring.year_key(2023), keyring.links().make("registration", "r1")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(begin, range(16)))) == 1
