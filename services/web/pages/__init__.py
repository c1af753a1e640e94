"""The pages by their rooms; each module has the routes of one, and is told here."""

from fastapi import APIRouter

from services.web.pages import (
    about,
    calendar,
    desk,
    door,
    evaluations,
    events,
    landing,
    mine,
    ops,
    registrations,
    reports,
    rooms,
    sign_in,
)

ROUTERS: tuple[APIRouter, ...] = (
    landing.router,
    calendar.router,
    events.router,
    registrations.router,
    mine.router,
    about.router,
    rooms.router,
    evaluations.router,
    reports.router,
    sign_in.router,
    desk.router,
    door.router,
    ops.router,
)
"""In this order: a route that is told first wins."""
