"""What directory can be told from outside."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from shared.settings import ServiceSettings


def _known(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError("is not an IANA time zone")
    return zone


class Settings(ServiceSettings):
    """The settings of a service, and the zone of the city whose organisations these are."""

    time_zone: Annotated[str, AfterValidator(_known)] = "Europe/Stockholm"
    """IANA zone in which a residency's days are told (ANDAN_TIME_ZONE)."""

    def zone(self) -> ZoneInfo:
        """Return the zone."""
        return ZoneInfo(self.time_zone)
