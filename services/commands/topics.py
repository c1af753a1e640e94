"""Topics as code: made and compared on Kafka, and with them the users and what each may do."""

from collections.abc import Mapping

import typer

from services.access import every_rule, passwords
from services.process import CannotStart, told_plainly
from services.settings import ProcessSettings
from services.topology import PARTS, every_topic
from shared.messaging.broker import KafkaBus
from shared.messaging.declaration import Difference


async def declare(*, check: bool = False, accept_loss: bool = False) -> int:
    """Bring Kafka to what is declared, or only say in what it differs; return the status."""
    with told_plainly():
        settings = ProcessSettings()
    lines = await (compare(settings) if check else bring(settings, accept_loss=accept_loss))
    for line in lines:
        typer.echo(line)
    typer.echo(f"{len(lines)} {'differences' if check else 'changes'}")
    return 1 if check and lines else 0


async def compare(settings: ProcessSettings) -> list[str]:
    """Return in what topics, users and rules are not as declared, a line each; change nothing."""
    with told_plainly():
        bus, known = _bus(settings), _passwords(settings)
        await bus.start()
        try:
            found = [str(each) for each in await bus.compare(every_topic(PARTS.values()))]
        finally:
            await bus.stop()
        if known:
            async with bus.access() as access:
                found += (await access.compare(every_rule(), known)).lines()
        return found


async def bring(settings: ProcessSettings, *, accept_loss: bool = False) -> list[str]:
    """Make and alter topics, then rules and users; return what was different, a line each.

    Raises CannotStart, with nothing changed, where a topic would lose what it holds.
    """
    with told_plainly():
        bus, known = _bus(settings), _passwords(settings)
        topics = every_topic(PARTS.values())
        await bus.start()
        try:
            found = await bus.compare(topics)
            await bus.declare(topics, accept_loss=accept_loss)
        finally:
            await bus.stop()
        lines = [_done(each) for each in found]
        if known:
            async with bus.access() as access:
                lines += (await access.bring(every_rule(), known)).lines()
        return lines


def _bus(settings: ProcessSettings) -> KafkaBus:
    if not settings.kafka_bootstrap_servers:
        raise CannotStart(
            "KAFKA_BOOTSTRAP_SERVERS names no Kafka to make topics on; "
            "the whole house in one process makes its own."
        )
    return KafkaBus(
        settings.kafka_bootstrap_servers,
        credentials=settings.credentials(),
        replicas=settings.kafka_replicas,
        min_insync=settings.kafka_min_insync,
    )


def _passwords(settings: ProcessSettings) -> Mapping[str, str]:
    return passwords(settings.kafka_passwords) if settings.kafka_passwords else {}


def _done(difference: Difference) -> str:
    return f"{difference.topic}: made" if difference.present is None else str(difference)
