"""What the supervisor runs is what compose runs: the services of the topology, told alike."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.access import make_passwords
from services.process import CannotStart
from services.supervisor import Process, process_names
from services.supervisor.plan import processes, prometheus_settings
from services.topology import SERVICES
from tests.architecture.sources import ROOT
from tests.deploy.compose import containers, services
from tests.deploy.test_compose import known
from tests.required import unavailable

SERVERS = {"kafka", "postgres", "topics"}
"""What the supervisor starts, and makes, without a process of ours."""
WHERE_INSTALLED = {"prometheus"}
ONLY_CONTAINED = {"mailpit", "disks", "grafana"}
"""For looking at letters, disks and figures: a person has other ways on his own machine."""


def planned(folder: Path, replicas: Mapping[str, int] | None = None) -> dict[str, Process]:
    """Return the processes of a house that is never started."""
    make_passwords(folder / "passwords")
    return processes(
        process_names(replicas or {}),
        8000,
        environment={"ANDAN_DATA": str(folder)},
        passwords=folder / "passwords",
        logs=folder,
        module="services",
    )


def test_both_run_the_same_services(tmp_path: Path) -> None:
    """A process for each container of ours, by the same command; servers and more are named."""
    found = planned(tmp_path)
    assert list(found) == list(SERVICES) == list(services())
    for name, container in services().items():
        assert [*found[name].command] == [sys.executable, "-m", "services", *container["command"]]
    assert set(containers()) == {*found, *SERVERS, *WHERE_INSTALLED, *ONLY_CONTAINED}


def test_every_variable_is_a_setting(tmp_path: Path) -> None:
    """A variable that no setting reads would be believed and do nothing."""
    for process in planned(tmp_path, {"events": 2}).values():
        assert set(process.environment) <= known(process.service), process.name


def test_a_process_knows_its_own_password_alone(tmp_path: Path) -> None:
    """It logs in as its service; whoever has no business on the bus has no password."""
    found = planned(tmp_path, {"events": 2})
    logins = {each.name: each.environment.get("KAFKA_USERNAME") for each in found.values()}
    assert logins.pop("web") is None
    assert logins == {name: f"andan.{found[name].service}" for name in logins}
    passwords = {path.name: path.read_text().strip() for path in (tmp_path / "passwords").iterdir()}
    for process in found.values():
        shown = {name for name, each in passwords.items() if each in process.environment.values()}
        assert shown == ({process.service} - {"web"})


def test_more_processes_of_a_service(tmp_path: Path) -> None:
    """They bear numbers, on ports of their own, and the gateway is told of all of them."""
    found = planned(tmp_path, {"events": 3, "gateway": 2})
    assert [name for name in found if name.startswith("events")] == [
        "events",
        "events-2",
        "events-3",
    ]
    assert [*found][-2:] == ["gateway", "gateway-2"]
    assert len({each.port for each in found.values()}) == len(found)
    assert found["events-3"].environment["ANDAN_INSTANCE"] == "3"
    told = found["gateway-2"].environment["ANDAN_UPSTREAMS"]
    assert all(found[name].address in told for name in ("events", "events-2", "events-3", "web"))


@pytest.mark.parametrize("replicas", [{"evnets": 2}, {"events": 0}])
def test_what_cannot_be_run_is_refused(replicas: dict[str, int]) -> None:
    """A service that is none, and none of a service, are told in a sentence."""
    with pytest.raises(CannotStart, match="service"):
        process_names(replicas)


def test_prometheus_is_told_alike(tmp_path: Path) -> None:
    """The same rhythm, rules and job as in the container, and a target for each process."""
    folder = ROOT / "deploy" / "prometheus"
    contained: dict[str, Any] = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    told: dict[str, Any] = yaml.safe_load(yaml.safe_dump(prometheus_settings(planned(tmp_path))))
    assert told["global"] == contained["global"]
    assert told["rule_files"] == [str(folder / name) for name in contained["rule_files"]]
    (job,) = told["scrape_configs"]
    asked = {each["job_name"]: each for each in contained["scrape_configs"]}[job["job_name"]]
    names = [each["labels"]["instance"] for each in job["static_configs"]]
    assert [f"{name}:8000" for name in names] == asked["static_configs"][0]["targets"]


def test_prometheus_takes_what_it_is_told(tmp_path: Path) -> None:
    """Promtool finds no fault in it, and does in one that is broken."""
    promtool = shutil.which("promtool")
    if promtool is None:
        unavailable("promtool is missing")
    good, broken = tmp_path / "good.yml", tmp_path / "broken.yml"
    told = prometheus_settings(planned(tmp_path))
    good.write_text(yaml.safe_dump(told))
    broken.write_text(yaml.safe_dump(told | {"rule_files": ["nowhere.yml"], "scrapes": []}))
    for file, status in ((good, 0), (broken, 1)):
        done = subprocess.run([promtool, "check", "config", str(file)], check=False, timeout=60)
        assert done.returncode == status
