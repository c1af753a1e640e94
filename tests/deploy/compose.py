"""docker-compose.yml as the tests read it."""

from typing import Any, cast

import yaml

from tests.architecture.sources import ROOT

SECRETS = "/run/secrets/andan"
FOLDER = "${ANDAN_SECRET_FILES:?}"
ONE_SHOT = {"topics"}


def compose() -> dict[str, Any]:
    """Return the file, with its anchors resolved."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


def containers() -> dict[str, dict[str, Any]]:
    """Return every container by its name."""
    return cast(dict[str, dict[str, Any]], compose()["services"])


def ours() -> dict[str, dict[str, Any]]:
    """Return the containers of our own image."""
    return {name: each for name, each in containers().items() if "build" in each}


def mounts(container: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return what a container sees, by its place: the source, and whether it may write there."""
    found = {}
    for volume in container.get("volumes", []):
        if isinstance(volume, dict):
            read_only = volume.get("read_only", False)
            found[volume["target"]] = (volume["source"], not read_only)
        else:
            source, target, *options = volume.split(":")
            found[target] = (source, "ro" not in ",".join(options).split(","))
    return found


def services() -> dict[str, dict[str, Any]]:
    """Return the containers of our own that go on running, each with the service it runs."""
    return {each["command"][0]: each for name, each in ours().items() if name not in ONE_SHOT}
