"""The pages by their rooms; each module has the routes of one, and is told here."""

from fastapi import APIRouter

from services.web.pages import evaluations, landing, reports, rooms

ROUTERS: tuple[APIRouter, ...] = (
    landing.router,
    rooms.router,
    evaluations.router,
    reports.router,
)
"""In this order: a route that is told first wins."""
