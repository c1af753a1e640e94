"""The door of notifications: what became of the letters, ballots on paper, ways out."""

from asyncio import to_thread
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.notifications import queries
from services.notifications.bounce_report import read_report
from services.notifications.handlers.ballots import DrawSheets, draw_sheets
from services.notifications.handlers.bounces import (
    NoteBounce,
    Unsubscribe,
    note_bounce,
    unsubscribe,
)
from services.notifications.installation import Installation
from services.notifications.rehearsal import BadCursor, RehearsalInbox
from services.notifications.schemas import (
    BallotSheets,
    BounceTold,
    DeliveryShown,
    DeliveryStatus,
    RehearsalMailShown,
    RehearsalMailWhole,
    SheetsWanted,
    UnsubscriptionWanted,
)
from shared.http.paging import Page, PagingDep
from shared.http.problems import InvalidRequest, NotFound, UnsupportedMediaType
from shared.http.work import ReaderDep, WorkDep, api_router, store_of
from shared.security.permissions import require

router = api_router("notifications")

sheets_router = api_router("notifications", idempotent=False)
"""A kept answer would keep ballots."""

_OPERATES = Depends(require("operations:admin"))
_ONE_CLICK: Final = {
    "type": "object",
    "required": ["List-Unsubscribe"],
    "properties": {"List-Unsubscribe": {"type": "string", "const": "One-Click"}},
}
LinkToken = Annotated[str, Path(max_length=256, pattern="^[A-Za-z0-9_.-]+$")]
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


@sheets_router.post(
    "/v1/ballot-sheets", dependencies=[Depends(require("surveys:admin"))], status_code=201
)
async def draw_ballot_sheets(work: WorkDep, body: SheetsWanted) -> BallotSheets:
    """Hand out ballots that nobody was mailed, for paper and for those without mail: each once.

    An answer that is lost takes its ballots with it; an Idempotency-Key is not regarded.
    """
    command = DrawSheets(body.survey_id, body.count, body.language)
    return BallotSheets(links=await draw_sheets(work, command))


@router.post("/v1/unsubscriptions", status_code=204)
async def end_letters(work: WorkDep, body: UnsubscriptionWanted) -> None:
    """End letters that are not about the person's own doings, by the token of a letter's link."""
    await unsubscribe(work, Unsubscribe(body.token))


@router.post(
    "/v1/unsubscriptions/{token}",
    status_code=204,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": _ONE_CLICK}},
        }
    },
)
async def end_letters_by_one_click(work: WorkDep, request: Request, token: LinkToken) -> None:
    """End such letters, as a mail program asks for it (RFC 8058)."""
    if b"One-Click" not in await request.body():
        raise InvalidRequest("The body is List-Unsubscribe=One-Click.")
    await unsubscribe(work, Unsubscribe(token))


@router.get("/v1/unsubscriptions/{token}", status_code=303, response_class=RedirectResponse)
async def show_way_out(request: Request, token: LinkToken) -> RedirectResponse:
    """Lead a person, who opened the address that is meant for mail programs, to the page."""
    spoken = request.headers.get("accept-language", "").lower()
    language = "en" if spoken.startswith("en") else "sv"
    house = store_of(request).need(Installation)
    return RedirectResponse(f"{house.source}/{language}/u/{token}", status_code=303)


@router.post(
    "/v1/bounces",
    dependencies=[Depends(require("notifications:admin"))],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": BounceTold.model_json_schema()},
                "message/rfc822": {"schema": {"type": "string", "maxLength": 65_536}},
            },
        }
    },
)
async def tell_of_bounced_letter(work: WorkDep, request: Request) -> DeliveryShown:
    """Tell that a letter came back: by the notification itself (RFC 3464) or in few words."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type == "message/rfc822":
        report = read_report(await request.body())
        command = NoteBounce(report.is_for_good, report.delivery_id)
    elif media_type == "application/json":
        command = _bounce(await request.body())
    else:
        raise UnsupportedMediaType("Send message/rfc822 or application/json.")
    return DeliveryShown.model_validate(await note_bounce(work, command))


def _bounce(body: bytes) -> NoteBounce:
    try:
        told = BounceTold.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None
    named = told.delivery_id or (told.message_id or "").strip("<> ").partition("@")[0]
    return NoteBounce(told.kind == "hard", named)


@router.get("/v1/rehearsal-mails", dependencies=[_OPERATES])
async def list_rehearsal_mails(request: Request, paging: PagingDep) -> Page[RehearsalMailShown]:
    """List the mails that people would have got, newest first: where none goes out (rehearsal)."""
    inbox = _inbox(request)
    try:
        found, following = await to_thread(inbox.newest, paging.limit, paging.cursor)
    except BadCursor as error:
        raise InvalidRequest("The cursor is not one of this list.") from error
    return paging.page([RehearsalMailShown.model_validate(each) for each in found], following)


@router.get("/v1/rehearsal-mails/{mail_id}", dependencies=[_OPERATES])
async def show_rehearsal_mail(
    request: Request,
    mail_id: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9-]+$")],
) -> RehearsalMailWhole:
    """Show one such mail."""
    mail = await to_thread(_inbox(request).mail, mail_id)
    if mail is None:
        raise NotFound("There is no such mail.")
    return RehearsalMailWhole.model_validate(mail)


def _inbox(request: Request) -> RehearsalInbox:
    inbox = store_of(request).need(RehearsalInbox)
    if inbox.folder is None:
        raise NotFound("Mail goes to people here; nothing is rehearsed.")
    return inbox
