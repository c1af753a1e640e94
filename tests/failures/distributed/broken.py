"""One service of the distributed house with a planted bug, so that its campaign can bite."""

import os
import sys

from services.commands import cli, start
from services.settings import ProcessSettings
from services.topology import House, Pages, one_service
from tests.toy import bugs

BUG = "PLANTED_BUG"
"""The variable that names the bug."""
PAUSE_SECONDS = 0.03
"""The bugs hold their windows open for twice to ten times this: hardly a kill misses one."""


def plant(bug: str) -> None:
    """Have the service started with this bug."""

    def broken_service(name: str, process: ProcessSettings) -> House | Pages:
        house = one_service(name, process)
        assert isinstance(house, House)
        bugs.BUGS[bug](house.services, house.bus)
        return house

    start.one_service = broken_service  # type: ignore[attr-defined]  # where the bug goes in


if __name__ == "__main__":
    bugs.PAUSE_SECONDS = PAUSE_SECONDS
    plant(os.environ[BUG])
    sys.argv[0] = "services"
    cli.app()
