"""The slim copy of the directory."""

from services.events.models import Organisation
from shared.contracts.directory import OrganisationDescription
from shared.store import Work


async def keep_organisation(work: Work, described: OrganisationDescription) -> None:
    """Keep an organisation as it now is."""
    await work.merge(
        Organisation(
            id=described.organisation_id,
            name=described.name,
            sector=described.sector,
            is_listed=described.listed,
        )
    )
