"""The standard question, built in, with a name that stays the same over the years."""

from typing import Final

EXPECTATIONS: Final = "expectations"
QUESTIONS: Final[dict[str, dict[str, str]]] = {
    EXPECTATIONS: {
        "sv": "Hur väl motsvarade evenemanget dina förväntningar?",
        "en": "How well did the event meet your expectations?",
        "ar": "إلى أي مدى لبّت الفعالية توقعاتك؟",
    }
}
"""Each question by language; answers are whole numbers from 1 (not at all) to 5 (very well)."""
