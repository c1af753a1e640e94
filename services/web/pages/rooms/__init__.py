"""Rooms: finding a free one, one room's week, and booking it."""

from services.web.page import page_router
from services.web.pages.rooms import booking, finding, room

router = page_router()
for part in (finding, booking, room):
    router.include_router(part.router)
