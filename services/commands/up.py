"""`up`: the distributed house on this machine, in the foreground, until Ctrl-C."""

from collections.abc import Mapping
from pathlib import Path

import typer

from services.process import CannotStart, bind
from services.settings import ProcessSettings
from services.supervisor import Distributed, planned, running, signals, until_stopped

FOLDER = Path("var/up")
WIDTH = 15


def up(port: int, replicas: str) -> int:
    """Start everything, say where it answers, and watch it; stop it all on a signal.

    Returns 0, or 130 where the signal came before everything was ready.
    """
    counts = counted(replicas)
    bind(ProcessSettings.model_validate({"PORT": port})).close()  # refused before anything starts
    house = planned(FOLDER)
    with (
        signals(house) as taken,
        running(house, port, replicas=counts, watched=True, tell=tell),
    ):
        taken.is_starting = False
        show(house)
        until_stopped(house, taken.asked, tell)
        tell("Stopping …")
    return 0


def counted(replicas: str) -> dict[str, int]:
    """Return how many processes each service has, from "events=2,booking=2"."""
    counts = {}
    for each in filter(None, replicas.replace(" ", "").split(",")):
        service, _, count = each.partition("=")
        if not count.isdecimal():
            raise CannotStart(f"{each} says not how many: events=2,booking=2 would.")
        counts[service] = int(count)
    return counts


def tell(line: str) -> None:
    """Say a line to the person who started it."""
    typer.echo(line, err=True)


def show(house: Distributed) -> None:
    """Say where everything answers, and where what is needed lies."""
    tell(f"Andan answers on {house.gateway}")
    for name, address in addresses(house).items():
        tell(f"  {name:{WIDTH}} {address}")
    if house.prometheus is None:
        tell("Prometheus is not installed: nothing gathers the figures of /metrics.")
    tell(f"The administrator's key is in {house.folder / 'admin-key'}.")
    tell(f"Kafka asks who one is: andan, by the password in {house.folder / 'kafka-passwords'}.")
    tell("Ctrl-C stops everything; a second one at once.")


def addresses(house: Distributed) -> Mapping[str, str]:
    """Return the address of every process and server by its name."""
    return {
        **{each.name: each.address for each in house.everything},
        "kafka": house.kafka.bootstrap_servers,
        "postgresql": house.postgres.url(),
    }
