"""What a test needs and may not find: skipped with its reason, or failed where all is required."""

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the running test for `reason`; fail it under `ANDAN_REQUIRE_ALL=1`.

    `.ci/run` sets the variable, so that a missing server never passes for a green run.
    """
    if os.environ.get("ANDAN_REQUIRE_ALL") == "1":
        pytest.fail(f"ANDAN_REQUIRE_ALL=1, and {reason}", pytrace=False)
    pytest.skip(reason)
