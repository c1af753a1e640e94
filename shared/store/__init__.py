"""A service's database: engines, units of work, migrations, and what is due later."""

from shared.store.store import Store, table_metadata
from shared.store.work import Reader, Work

__all__ = ["Reader", "Store", "Work", "table_metadata"]
