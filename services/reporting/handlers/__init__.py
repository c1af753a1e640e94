"""Use cases: facts and quotes are kept, a year is closed, what came late amends it."""

from services.reporting.handlers.amending import AMENDMENT, NothingUnread, amend_when_all_is_read
from services.reporting.handlers.closing import (
    CloseYear,
    KeepClosing,
    KeepVersion,
    YearNotBegun,
    close_year,
    keep_closing,
    keep_version,
)
from services.reporting.handlers.facts import KeepFact, keep_fact
from services.reporting.handlers.quotes import KeepQuote, WithdrawQuote, keep_quote, withdraw_quote
from services.reporting.handlers.untold import (
    UNTOLD,
    QuotesTold,
    compare_quotes_later,
    drop_untold_quotes,
)

__all__ = [
    "AMENDMENT",
    "UNTOLD",
    "CloseYear",
    "KeepClosing",
    "KeepFact",
    "KeepQuote",
    "KeepVersion",
    "NothingUnread",
    "QuotesTold",
    "WithdrawQuote",
    "YearNotBegun",
    "amend_when_all_is_read",
    "close_year",
    "compare_quotes_later",
    "drop_untold_quotes",
    "keep_closing",
    "keep_fact",
    "keep_quote",
    "keep_version",
    "withdraw_quote",
]
