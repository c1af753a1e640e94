"""The door of notifications: what became of the letters."""

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from services.notifications import queries
from services.notifications.schemas import DeliveryShown, DeliveryStatus
from shared.http.paging import Page, PagingDep
from shared.http.work import ReaderDep, api_router
from shared.security.permissions import require

router = api_router("notifications")

_READS = Depends(require("notifications:read"))


@router.get("/v1/deliveries", dependencies=[_READS])
async def list_deliveries(
    reader: ReaderDep,
    paging: PagingDep,
    status: Annotated[DeliveryStatus | None, Query(description="only these")] = None,
    message_id: Annotated[
        str | None,
        Query(max_length=64, pattern="^[A-Za-z0-9-]+$", description="the message that caused it"),
    ] = None,
) -> Page[DeliveryShown]:
    """List deliveries, oldest first: one per message, recipient and channel."""
    found, following = await queries.deliveries(
        reader,
        status=status,
        message_id=message_id,
        limit=paging.limit,
        cursor=paging.cursor,
    )
    return paging.page([DeliveryShown.model_validate(each) for each in found], following)


@router.get("/v1/deliveries/{delivery_id}", dependencies=[_READS])
async def show_delivery(
    reader: ReaderDep,
    response: Response,
    delivery_id: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9-]+$")],
) -> DeliveryShown:
    """Show what became of one letter."""
    shown = DeliveryShown.model_validate(await queries.delivery(reader, delivery_id))
    response.headers["ETag"] = f'"{shown.status}-{shown.attempts}"'
    return shown
