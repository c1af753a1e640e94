"""What the pages can be told from outside."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where the gateway is, how long it may take, and the zone of the house; `ANDAN_…`."""

    gateway: str = "http://gateway:8000"
    """Address of the gateway where it is another process; of several, with commas between."""
    gateway_seconds: float = Field(default=10, gt=0, le=300)
    """How long a page waits for an answer before it says that a neighbour is away."""
    time_zone: str = "Europe/Stockholm"
    """Zone of days and times that belong to no venue or event of their own."""
