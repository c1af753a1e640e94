"""The pages of those who run the house: what needs them, events, bookings, organisations."""

from services.web.page import page_router
from services.web.pages.desk import bookings, events, front, organisations, quotes, registrations

router = page_router()
for _each in (front, events, registrations, bookings, organisations, quotes):
    router.include_router(_each.router)
