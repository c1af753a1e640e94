"""The pytest plugin that gives tests a real Kafka: one server for the run, workers included."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from shared.testing.jars import NoKafka
from shared.testing.kafka import DockerKafka, KafkaServer, obtain

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
GIVEN = "ANDAN_TEST_KAFKA"  # hands the address down to the fixture, and to no house under test
FAILED = "ANDAN_KAFKA_UNAVAILABLE"  # hands the controller's reason down to the workers

_of_the_controller: list[KafkaServer | DockerKafka] = []


def pytest_configure() -> None:
    """Take the address out of the variable that Andan itself reads: a house is embedded or told."""
    if given := os.environ.pop(VARIABLE, None):
        os.environ[GIVEN] = given


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Start the one server before the workers are, and hand its address down."""
    if os.environ.get(GIVEN) or "not kafka" in (config.option.markexpr or ""):
        return
    try:
        server = obtain()
    except NoKafka as error:
        os.environ[FAILED] = str(error)
        return
    _of_the_controller.append(server)
    os.environ[GIVEN] = server.bootstrap_servers


def pytest_unconfigure() -> None:
    """End the controller's server."""
    while _of_the_controller:
        os.environ.pop(GIVEN, None)
        _of_the_controller.pop().discard()


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """The address of a real Kafka, which may hold other runs' topics: make your own names.

    `KAFKA_BOOTSTRAP_SERVERS`, else Docker, else Java and the jars; else the test is skipped, or
    fails where ANDAN_REQUIRE_ALL=1.
    """
    if given := os.environ.get(GIVEN):
        yield given
        return
    try:
        if reason := os.environ.get(FAILED):
            raise NoKafka(reason)  # one place decides between skip and failure
        server = obtain()
    except NoKafka as error:
        _go_without(f"no real Kafka: {error}; or set {VARIABLE}")
    try:
        yield server.bootstrap_servers
    finally:
        server.discard()


@pytest.fixture
def kafka_server() -> Iterator[KafkaServer]:
    """A Kafka of the test's own, to be killed and started again; from its jars."""
    server = KafkaServer()
    try:
        server.start()
    except NoKafka as error:
        server.discard()
        _go_without(f"no Kafka that could be killed: {error}")
    try:
        yield server
    finally:
        server.discard()


def _go_without(sentence: str) -> NoReturn:
    if os.environ.get("ANDAN_REQUIRE_ALL") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
