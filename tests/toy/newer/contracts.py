"""The toys' published language, one field further: who does not know it passes it over."""

from typing import ClassVar

from tests.toy import contracts


class PlaceTaken(contracts.PlaceTaken):
    """Somebody took a place on a shelf"""

    type: ClassVar[str] = contracts.PlaceTaken.type

    shade: str | None = None
