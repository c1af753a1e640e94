"""What the gateway must undo when its store is restored from an older copy."""

import secrets
from typing import Final

from sqlalchemy import delete, update

from services.gateway.models import FeedHead, SessionRow, SignInLinkRow
from shared.store import Work

EPOCH_BYTES: Final = 6


async def begin_anew(work: Work) -> None:
    """Give the feed another epoch, and end every session and sign-in link.

    Places that the lost store numbered will be numbered again, with other messages: whoever reads
    on from one of them must be told. Who had signed out must not be signed in again.
    """
    await work.execute(update(FeedHead).values(epoch=secrets.token_hex(EPOCH_BYTES)))
    for kind in (SessionRow, SignInLinkRow):
        await work.execute(delete(kind))
