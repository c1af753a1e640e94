"""A Kafka with principals and a PostgreSQL whose files a test may look into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connected.house import Servers, begun, own_folder


@pytest.fixture(name="own_folder")
def _own_folder() -> Iterator[Path]:
    """A folder for a house with servers of its own."""
    with own_folder() as folder:
        yield folder


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Both servers, running; killed at the end unless they are stopped by then."""
    with begun() as both:
        yield both


@pytest.fixture(scope="module")
def module_servers() -> Iterator[Servers]:
    """The same for all tests of a module."""
    with begun() as both:
        yield both
