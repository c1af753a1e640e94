"""Tells a store that is away, or has no room, or a conflict, from a statement that is wrong."""

from sqlalchemy.exc import DBAPIError, OperationalError

AWAY = ("08", "53", "57P01", "57P02", "57P03")
"""SQLSTATEs, or their class: connection, resources, shutting down, crashed, starting up."""

CONFLICTS = ("40001", "40P01")
"""SQLSTATEs of a transaction that was ended for another's sake: not serializable, deadlock."""


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's code of an error, or None."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def store_is_away(error: BaseException) -> bool:
    """Say whether the same statement may succeed once the store is back.

    A refused connection comes bare; a server that is starting comes as an error of no particular
    class.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, ConnectionError)
    if error.connection_invalidated or isinstance(error, OperationalError):
        return True
    return (sqlstate(error) or "").startswith(AWAY)


def lost_a_conflict(error: BaseException) -> bool:
    """Say whether the transaction may succeed if it is done again at once."""
    return sqlstate(error) in CONFLICTS
