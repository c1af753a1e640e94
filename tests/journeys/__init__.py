"""Whole journeys through the gateway, on the embedded platform and on the distributed one."""

import pytest

pytest.register_assert_rewrite("tests.journeys.house", "tests.journeys.journey")
