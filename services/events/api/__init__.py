"""The HTTP door of events."""

from services.events.api.attendance import router as attendance
from services.events.api.events import router as events
from services.events.api.registrations import router as registrations
from services.events.api.themes import router as themes

routers = [registrations, events, themes, attendance]

__all__ = ["routers"]
