"""The W3C trace context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.correlation import continue_trace, parse_traceparent

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        (GOOD, True),
        ("01" + GOOD[2:] + "-what-comes-later", True),
        (None, False),
        ("", False),
        (GOOD + "-x", False),
        (GOOD + "\n", False),
        ("ff" + GOOD[2:], False),
        (GOOD.upper(), False),
        ("00-" + "0" * 32 + GOOD[35:], False),
        (GOOD[:36] + "0" * 16 + GOOD[52:], False),
        (GOOD.replace("a", "g"), False),
        ("01" + GOOD[2:] + "-" + "x" * 1_000_000, False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_traceparent_is_read_as_the_recommendation_says(text: str | None, is_valid: bool) -> None:
    """Valid ones are taken apart, later versions as far as known, everything else ignored."""
    assert (parse_traceparent(text) is not None) == is_valid


@given(st.text(max_size=60) | st.just(GOOD))
def test_a_trace_always_goes_on(text: str) -> None:
    """Whatever came in, what goes out is valid and a new step."""
    step = continue_trace(text)
    assert parse_traceparent(str(step)) == step
    assert str(step) != text
