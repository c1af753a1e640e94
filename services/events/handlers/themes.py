"""The themes of a year."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from services.events.models import Theme
from shared.contracts.events import ThemeDecided
from shared.ids import new_id
from shared.problem import Problem
from shared.store import Work


class ThemeTaken(Problem):
    """The year has a theme of that key already."""


@dataclass(frozen=True)
class DecideTheme:
    """A year gets a theme."""

    year: int
    key: str
    titles: dict[str, str]


async def decide_theme(work: Work, command: DecideTheme) -> Theme:
    """Add the theme; raise ThemeTaken."""
    taken = select(Theme).where(col(Theme.year) == command.year, col(Theme.key) == command.key)
    if (await work.scalars(taken)).first() is not None:
        raise ThemeTaken(f"{command.year} has a theme {command.key}")
    theme = Theme(id=new_id(), year=command.year, key=command.key, titles=command.titles)
    work.add(theme)
    work.publish(
        ThemeDecided(year=theme.year, theme_id=theme.id, key=theme.key, titles=theme.titles),  # type: ignore[call-arg]  # the alias of theme_key
    )
    return theme
