"""Which processes a distributed house has, where each answers, and what each is told."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.access import credentials
from services.process import CannotStart
from services.supervisor.process import Process
from services.topology import BEHIND, SERVICES
from shared.testing.ports import free_port, is_free

INSTANCE: Final = "ANDAN_INSTANCE"
ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "andan.rules.yml"
PROMETHEUS_PORT: Final = 9090
EVERY: Final = "10s"


def process_names(replicas: Mapping[str, int]) -> dict[str, str]:
    """Return the service of every process by the name of the process, gateways last.

    Raises CannotStart where `replicas` names a service that is none, or less than one process.
    """
    if unknown := replicas.keys() - set(SERVICES):
        raise CannotStart(f"There is no service {', '.join(sorted(unknown))}.")
    if any(count < 1 for count in replicas.values()):
        raise CannotStart("Every service needs one process at least.")
    return {
        service if number == 1 else f"{service}-{number}": service
        for service in SERVICES
        for number in range(1, replicas.get(service, 1) + 1)
    }


def processes(
    names: Mapping[str, str],
    port: int,
    *,
    environment: Mapping[str, str],
    passwords: Path | None,
    logs: Path,
    module: str,
) -> dict[str, Process]:
    """Return the processes, none of them started; the first gateway answers on `port`."""
    ports = dict(zip(names, _free_ports(len(names), beside=port), strict=True)) | {"gateway": port}
    addresses = {
        service: [f"http://127.0.0.1:{ports[name]}" for name, of in names.items() if of == service]
        for service in BEHIND
    }
    upstreams = {name: found if len(found) > 1 else found[0] for name, found in addresses.items()}
    told = {**environment, "ANDAN_UPSTREAMS": json.dumps(upstreams)}
    return {
        name: Process(
            name,
            service,
            ports[name],
            told
            | {INSTANCE: name.removeprefix(service).lstrip("-") or "1"}
            | (credentials(passwords, service) if passwords else {}),
            logs / f"{name}.jsonl",
            (sys.executable, "-m", module, service),
        )
        for name, service in names.items()
    }


def prometheus(folder: Path, asked: Mapping[str, Process]) -> Process | None:
    """Return a Prometheus that asks these processes, its data in `folder`; None where none is.

    It raises the alarms of deploy/prometheus, and tells of a process by its name.
    """
    program = shutil.which("prometheus")
    if program is None:
        return None
    home = folder / "prometheus"
    home.mkdir(exist_ok=True)
    (home / "prometheus.yml").write_text(json.dumps(prometheus_settings(asked), indent=2), "utf-8")
    port = PROMETHEUS_PORT if is_free(PROMETHEUS_PORT) else free_port()
    command = (
        program,
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    log = folder / "logs" / "prometheus.txt"
    return Process("prometheus", "prometheus", port, {}, log, command, "/-/ready")


def prometheus_settings(asked: Mapping[str, Process]) -> dict[str, object]:
    """Return what Prometheus is told, as deploy/prometheus tells it in a container."""
    targets = [
        {"targets": [f"127.0.0.1:{each.port}"], "labels": {"instance": name}}
        for name, each in asked.items()
    ]
    return {
        "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "andan", "static_configs": targets}],
    }


def _free_ports(count: int, *, beside: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
        found.discard(beside)
    return list(found)
