"""Plays the year with a progress bar, and compares what the house tells of it with the source."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.demo.figures import Figure, compare
from services.demo.mailbox import Mailbox
from services.demo.player import Player, Told
from services.demo.programme import FACTS, programme
from services.demo.step import ZONE
from services.demo.year import plan


async def play(
    client: httpx2.AsyncClient,
    admin_key: str,
    *,
    mail_folder: Path,
    console: Console,
    seed: int = 2023,
) -> list[Figure]:
    """Live the year on a house that stands on a replay clock at `BEGINS` or before.

    Returns the source's figures beside the house's. Raises UnexpectedAnswer at the first answer
    that is not as planned.
    """
    steps = plan(seed).steps
    player = Player(client, admin_key, name=f"year-{seed}", mailbox=Mailbox(mail_folder))
    with _progress(console, len(steps)) as told:
        await player.play(steps, told)
    told_by_the_house = [item async for item in player.every(f"/v1/years/{FACTS['year']}/figures")]
    event_ids = {event.slug: player.known(f"event/{event.slug}") for event in programme()}
    return compare(told_by_the_house, event_ids)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Told]:
    """Show how far the year is: a bar on a terminal, a line a month elsewhere."""
    if not console.is_terminal:
        yield _by_month(console, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)

        def told(at: datetime, done: int) -> None:
            bar.update(task, completed=done, description=f"{at.astimezone(ZONE):%Y-%m-%d}")

        yield told


def _by_month(console: Console, total: int) -> Told:
    months: set[str] = set()

    def told(at: datetime, done: int) -> None:
        month = f"{at.astimezone(ZONE):%Y-%m}"
        if month not in months:
            months.add(month)
            console.print(f"{month}  {done}/{total}", highlight=False)

    return told
