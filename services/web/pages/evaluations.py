"""The evaluation of a meeting by the link in a mail, and the withdrawal of a quote by its code."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Literal

from fastapi import Response

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.speech import speech
from shared.observability import correlation

router = page_router()

LONGEST: Final = 4_000
"""Characters of words: as many as surveys take."""
_ENCODED: Final = 43
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def split(token: str) -> tuple[str, str] | None:
    """Return the survey and the secret of a link's token, or None where it is none."""
    survey_id, dot, secret = token.partition(".")
    is_whole = len(secret) == _ENCODED and _ALPHABET.issuperset(secret)
    is_id = 0 < len(survey_id) <= 64 and survey_id.replace("-", "").isalnum()
    return (survey_id, secret) if dot and is_whole and is_id and survey_id.isascii() else None


def ballot(secret: str, purpose: Literal["rating", "words"]) -> str:
    """Return the ballot of a secret for one purpose: HKDF-SHA256 (RFC 5869), no salt, 32 bytes.

    The two of a secret have nothing in common, so that neither tells of the other.
    """
    extracted = hmac.digest(bytes(32), urlsafe_b64decode(secret + "="), "sha256")
    derived = hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
    return urlsafe_b64encode(derived).decode("ascii").rstrip("=")


@router.get("/{lang}/e/{token}")
async def show_evaluation(page: PageDep, token: str) -> Response:
    """Show the form of an evaluation, or why there is none."""
    survey = await _survey(page, token)
    if isinstance(survey, Response):
        return survey
    return await _form(page, token, survey)


@router.post("/{lang}/e/{token}")
async def answer_evaluation(page: PageDep, token: str) -> Response:
    """Send the rating and the words, each with a ballot of its own."""
    form = await page.form()
    values = {
        "rating": form.get("rating", ""),
        "words": form.get("words", "").replace("\r\n", "\n").strip(),
        "may_quote": form.get("may_quote", ""),
    }
    survey = await _survey(page, token, values["words"])
    if isinstance(survey, Response):
        return survey
    is_counted = form.get("counted") == "yes"
    errors = _faults(page, values, is_counted)
    if errors:
        return await _form(page, token, survey, values, errors, is_counted)
    return await _send(page, token, survey, values, is_counted)


async def _send(
    page: Page, token: str, survey: Mapping[str, Any], values: dict[str, str], is_counted: bool
) -> Response:
    _ = page.gettext
    survey_id, secret = split(token) or ("", "")
    rated = "sent"
    if not is_counted:
        body = {"ballot": ballot(secret, "rating"), "rating": int(values["rating"])}
        rated, _code = await _post(page, f"/v1/surveys/{survey_id}/answers", body)
    if rated in ("ballot-unknown", "survey-closed"):
        return await _over(page, rated, survey, values["words"])
    if rated not in ("sent", "ballot-spent"):  # nobody is thanked for what was not counted
        errors = {"form": _("The answer could not be sent just now. It is still here; try again.")}
        return await _form(page, token, survey, values, errors, status=503)
    if not values["words"]:
        if rated == "ballot-spent":
            return await _over(page, "ballot-spent", survey)
        return _done(page, survey)
    body = {
        "ballot": ballot(secret, "words"),
        "text": values["words"],
        "may_quote": values["may_quote"] == "yes",
    }
    written, code = await _post(page, f"/v1/surveys/{survey_id}/words", body)
    if written == "sent":
        return _done(page, survey, code)
    if written in ("ballot-spent", "ballot-unknown", "survey-closed"):
        return await _over(page, written, survey, values["words"])
    if written == "invalid-request":
        errors = {"words": _("The text holds signs that cannot be kept. Write it without them.")}
        return await _form(page, token, survey, values, errors, is_counted=True)
    errors = {"form": _("Your words could not be sent just now. They are still here; try again.")}
    return await _form(page, token, survey, values, errors, is_counted=True, status=503)


async def _post(page: Page, path: str, body: dict[str, Any]) -> tuple[str, str | None]:
    """Return what became of a post (sent, away, or why not), and the code that takes words back.

    Neither the request's id nor its trace goes along, nor a session: two posts have nothing in
    common, and nobody who has signed in is told by his answer.
    """
    apart = correlation.request_id.set(None), correlation.traceparent.set(None)
    try:
        answer = await page.house.api.send("POST", path, body)
    except Refused as refused:
        return refused.slug, None
    except Away:
        return "away", None
    finally:
        correlation.request_id.reset(apart[0])
        correlation.traceparent.reset(apart[1])
    return "sent", answer.headers.get("withdrawal-code")


async def _survey(page: Page, token: str, words: str = "") -> Mapping[str, Any] | Response:
    """Return the open survey of a token, or the page that says why there is none."""
    parts = split(token)
    if parts is None:
        return await _over(page, "ballot-unknown", None, words)
    try:
        survey: Mapping[str, Any] = await page.api.get(f"/v1/surveys/{parts[0]}")
    except Refused as refused:
        if refused.status == 429:
            raise
        return await _over(page, "ballot-unknown", None, words)
    except Away:
        return await _over(page, "away", None, words)
    if survey["status"] != "open":
        return await _over(page, "survey-closed", survey, words)
    return survey


def _faults(page: Page, values: dict[str, str], is_counted: bool) -> dict[str, str]:
    _ = page.gettext
    errors = {}
    if not is_counted and values["rating"] not in ("1", "2", "3", "4", "5"):
        errors["rating"] = _("Choose a number from 1 to 5")
    if len(values["words"]) > LONGEST:
        errors["words"] = _(
            "Shorten the text to %(most)s characters; it has %(count)s",
            most=speech(page).number(LONGEST),
            count=speech(page).number(len(values["words"])),
        )
    return errors


async def _form(
    page: Page,
    token: str,
    survey: Mapping[str, Any],
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    is_counted: bool = False,
    status: int = 422,
) -> Response:
    return page.render(
        "evaluations/form.html",
        status=status if errors else 200,
        private=True,
        heading=_heading(page, survey),
        token=token,
        values=values or {},
        errors=errors or {},
        counted=is_counted,
        longest=LONGEST,
        rehearsal=await _is_rehearsal(page),
        closes=speech(page).day(survey["closes_at"]),
    )


async def _is_rehearsal(page: Page) -> bool:
    """Tell whether letters stay in the house, where whoever operates it can read them."""
    with suppress(Refused, Away):  # the form works without knowing
        info = await page.api.get("/v1/api-info")
        return bool(info["mail"] == "rehearsal")
    return False


def _done(page: Page, survey: Mapping[str, Any], code: str | None = None) -> Response:
    return page.render(
        "evaluations/done.html", private=True, heading=_heading(page, survey), code=code
    )


async def _over(
    page: Page, why: str, survey: Mapping[str, Any] | None, words: str = ""
) -> Response:
    """Say why nothing can be answered; what was typed stands below, to be copied."""
    _ = page.gettext
    result: list[str] = []
    if why == "survey-closed":
        heading, status = _("The survey is closed"), 200
        text = _("Thank you for wanting to answer. What was answered in time is counted.")
        result = await _result(page, survey) if survey else []
    elif why == "ballot-spent":
        heading, status = _("This link has been used"), 200
        text = _("A link counts once. If it was you who used it, your answer is counted.")
    elif why == "away":
        heading, status = _("Evaluations are away for a moment"), 503
        text = _("Nothing was lost. The link works when they are back; try again in a while.")
    else:
        heading, status = _("This link leads to no survey"), 404
        text = _(
            "It may have been cut when it was copied. Open it from the mail once more; "
            "if it still leads here, ask the organiser of the meeting."
        )
    about = _heading(page, survey) if survey else None
    return page.render(
        "evaluations/over.html",
        status=status,
        private=True,
        heading=heading,
        text=text,
        about=about,
        result=result,
        words=words,
    )


async def _result(page: Page, survey: Mapping[str, Any]) -> list[str]:
    """Return what may be told of a closed survey."""
    _, number = page.gettext, speech(page).number
    try:
        told = await page.api.get(f"/v1/surveys/{survey['id']}/result")
    except (Refused, Away):
        return [_("No result is shown: that takes at least five answers.")]
    low, high = told["at_least"], told["at_most"]
    if told["mean"] is not None:
        counts = {"mean": number(told["mean"]), "count": number(told["answered"])}
        return [_("The mean rating is %(mean)s of 5, from %(count)s answers.", **counts)]
    if low and high:
        return [
            _(
                "The mean rating lies between %(low)s and %(high)s of 5.",
                low=number(low),
                high=number(high),
            )
        ]
    if low:
        return [_("The mean rating is %(low)s of 5 or more.", low=number(low))]
    if high:
        return [_("The mean rating is %(high)s of 5 or less.", high=number(high))]
    return []


def _heading(page: Page, survey: Mapping[str, Any]) -> dict[str, str]:
    title, language = speech(page).title(survey["event_titles"])
    day = survey["local_date"]
    parts = [
        speech(page).word(survey["format"], "format") if survey["format"] else "",
        speech(page).day(day) if day else "",
    ]
    return {
        "title": title or page.gettext("The meeting you came to"),
        "title_lang": language,
        "upper": page.gettext(", ").join(part for part in parts if part),
    }


@router.get("/{lang}/q")
async def show_withdrawal(page: PageDep, done: str = "") -> Response:
    """Show the form by which words are taken back."""
    return page.render(
        "evaluations/withdrawal.html", private=True, done=done == "yes", values={}, errors={}
    )


@router.post("/{lang}/q")
async def withdraw_words(page: PageDep) -> Response:
    """Take words back by their receipt code."""
    _ = page.gettext
    form = await page.form()
    code = form.get("code", "").strip()
    errors, status = {}, 422
    if not code:
        errors["code"] = _("Enter the code")
    else:
        try:
            await page.house.api.post("/v1/quote-withdrawals", {"code": code})
        except Refused as refused:
            errors["code"] = _("No quote has this code. Check it sign by sign, capitals too.")
            status = 422 if refused.status in (404, 422) else refused.status
        except Away:
            errors["form"] = _("The quote could not be taken back just now. Try again in a while.")
            status = 503
    if errors:
        return page.render(
            "evaluations/withdrawal.html",
            status=status,
            private=True,
            done=False,
            values={"code": code},
            errors=errors,
        )
    return page.redirect("/q?done=yes", "done")
