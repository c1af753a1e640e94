"""Everything connected: every service its own process on its own database, on Kafka and PostgreSQL.

The journeys are those of `tests.journeys` and `tests.web.browser`, imported, never copied. The two
suites that every bus and every store must pass run on the real servers where they stand:
`tests/bus` on Kafka (parameter `kafka`), `tests/store` and all that takes `DIALECTS` on PostgreSQL.
"""

import pytest

pytest.register_assert_rewrite("tests.connected.house", "tests.connected.looking")
