"""What every test may rely on: the event loop, the seed, the size of a campaign, servers."""

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins: list[str] = [
    "shared.testing.pytest_kafka",
    "shared.testing.fixtures",
    "shared.testing.pytest_browser",
]

PROFILE = os.environ.get("ANDAN_PROFILE", "fast")
SEED_VARIABLE = "ANDAN_SEED"
ROUNDS = os.environ.get("ANDAN_ROUNDS")

_EVERYWHERE: dict[str, Any] = {
    "deadline": None,  # two busy cores make a slow example, not a wrong one
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("fast", max_examples=25, stateful_step_count=15, **_EVERYWHERE)
settings.register_profile("full", max_examples=100, stateful_step_count=30, **_EVERYWHERE)
settings.register_profile("campaign", max_examples=2000, stateful_step_count=60, **_EVERYWHERE)
settings.load_profile(PROFILE)


def _seed() -> int:
    """Return the seed of this run; workers inherit the controller's through the environment."""
    return int(os.environ.setdefault(SEED_VARIABLE, str(random.SystemRandom().randrange(2**32))))


def pytest_configure(config: pytest.Config) -> None:
    """Give hypothesis the seed of the run, unless the command line names one."""
    if getattr(config.option, "hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(_seed())


def pytest_report_header() -> str:
    """Say how to repeat this run."""
    return f"andan: profile {PROFILE}; repeat with {SEED_VARIABLE}={_seed()}"


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """Say the seed again where somebody who looks at a failure sees it."""
    if exitstatus == pytest.ExitCode.TESTS_FAILED:
        terminalreporter.write_line(
            f"repeat with {SEED_VARIABLE}={_seed()} ANDAN_PROFILE={PROFILE}"
        )


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of async tests: asyncio's own, or uvloop where `ANDAN_UVLOOP=1` asks for it."""
    return "asyncio", {"use_uvloop": os.environ.get("ANDAN_UVLOOP") == "1"}


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of this test's own, the same whenever the run's seed is."""
    return random.Random(f"{_seed()}:{request.node.nodeid}").randrange(2**32)


@pytest.fixture(scope="session")
def rounds() -> "Rounds":
    """How often a campaign repeats: `rounds(sample=5, whole=100)`."""
    return Rounds()


class Rounds:
    """The size of a campaign: whole under `make campaign`, a sample otherwise.

    ANDAN_ROUNDS=… says another number.
    """

    def __call__(self, *, sample: int, whole: int) -> int:
        """Return how many rounds to play."""
        if ROUNDS is not None:
            return int(ROUNDS)
        return whole if PROFILE == "campaign" else sample
