"""The embedded platform with a planted bug, so that its campaign can prove that it bites."""

import sys

from services.commands import cli, start
from services.settings import ProcessSettings
from services.topology import House, whole_house
from tests.toy import bugs

PAUSE_SECONDS = 0.03
"""The bugs hold their windows open for ten times this and more: hardly a kill misses one."""


def plant(bug: str) -> None:
    """Have the platform started with this bug in all of its services."""

    def broken_house(process: ProcessSettings) -> House:
        house = whole_house(process)
        bugs.BUGS[bug](house.services, house.bus)
        return house

    start.whole_house = broken_house  # type: ignore[attr-defined]  # where the bug goes in


if __name__ == "__main__":
    bugs.PAUSE_SECONDS = PAUSE_SECONDS
    plant(sys.argv.pop())
    cli.app()
