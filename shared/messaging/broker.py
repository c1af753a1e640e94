"""The bus a process is given, Kafka or embedded, and the FastStream brokers that run over it.

A subscriber that reads raw records in batches is declared so (on either bus):

    @broker.subscriber(
        *topics, group_id="andan.reporting.figures", batch=True, max_records=500,
        auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR,
        session_timeout_ms=10_000, heartbeat_interval_ms=1_000,
        parser=parse_raw, decoder=decode_raw,
    )
    async def take(records: Annotated[list[Confirmed | Cancelled], SkipValidation]) -> None: ...

Its argument is the tuple of aiokafka's `ConsumerRecord` (topic, partition, offset, key, value,
headers, timestamp) of one poll, of several topics where several have something. No record of it is
decoded, so none can fail; the annotation is there for AsyncAPI only, which shows each model of it.
Returning commits; raising seeks every partition of the batch back to its first record, and the
same records come again at once (so sleep before raising).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol, cast

from aiokafka.errors import UnknownTopicOrPartitionError
from faststream._internal.parser import DefaultCodec
from faststream.exceptions import SetupError
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.kafka.subscriber.usecase import LogicSubscriber
from faststream.middlewares import AckPolicy
from faststream.security import BaseSecurity

from shared.messaging.appender import Appender, EmbeddedAppender
from shared.messaging.compacted import embedded_keys, kafka_keys
from shared.messaging.credentials import Credentials
from shared.messaging.declaration import Change, Difference, TopicLike, sorted_by_name
from shared.messaging.embedded.consumer import EmbeddedConsumer
from shared.messaging.embedded.log import EmbeddedLog
from shared.messaging.embedded.producer import EmbeddedAdmin, EmbeddedProducer
from shared.messaging.kafka import CLOSE_SECONDS, KafkaAppender, PatientConsumer
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_topics import KafkaTopics
from shared.messaging.parsing import decode, parse
from shared.messaging.positions import KafkaPositions

GRACEFUL_SECONDS = 15.0
CLEAN_EVERY_SECONDS = 600.0

logger = logging.getLogger("andan.bus")


class Bus(Protocol):
    """What moves messages between the services of one installation."""

    async def start(self) -> None:
        """Connect. Raise at once when the bus is away, or is another process's."""

    async def stop(self) -> None:
        """Stop the brokers that still run, then let go; bounded in time, never raises."""

    def broker(self, service: str, *, middlewares: Sequence[Any] = ()) -> "BusBroker":
        """Return a new broker for a service's subscribers, not yet started."""

    async def appender(self, service: str) -> Appender:
        """Return a way onto the bus for the one task that relays a service's outbox."""

    async def declare(self, topics: Iterable[TopicLike]) -> list[Change]:
        """Make or alter topics so that they are as declared; return what was done."""

    async def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, how many records a group has not yet acknowledged."""

    async def rewind(self, group: str, topics: Iterable[str]) -> None:
        """Let a group that nobody is a member of read from the beginning again."""

    async def keys(self, topic: str) -> frozenset[bytes] | None:
        """Return the keys that a compacted topic still tells of; None where it never held any.

        A key whose tombstone was read, or is gone with everything of it, is not among them.
        """


class BusBroker(KafkaBroker):
    """FastStream's Kafka broker, over either bus.

    It differs from its parent in this: an undeclared topic is an error at start, subscribers start
    together (each waits for its group), and `stop` ends.
    """

    @property
    def is_connected(self) -> bool:
        """Whether there is something to stop."""
        return self._connection is not None

    async def start(self) -> None:
        """Connect and start all subscribers together; a running broker stays as it is.

        Raise `UnknownTopicOrPartitionError` where a subscriber's topic is not declared.
        """
        if self.running:
            return
        await self.connect()
        try:
            self._refuse_unfit()
            await self._refuse_undeclared()
            self.running = True
            started = await asyncio.gather(
                *(subscriber.start() for subscriber in self.subscribers), return_exceptions=True
            )
            for result in started:
                if isinstance(result, BaseException):
                    raise result
            for publisher in self.publishers:
                await publisher.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self, exc_type: Any = None, exc_val: Any = None, exc_tb: Any = None) -> None:
        """End handlers in flight and commit (at most 17 s), then let go of the bus (2 s)."""
        self.running = False
        try:
            async with asyncio.timeout(GRACEFUL_SECONDS + CLOSE_SECONDS):
                await super(KafkaBroker, self).stop(exc_type, exc_val, exc_tb)
        except TimeoutError:
            logger.warning("subscribers did not stop in time and were left")
        try:
            # aiokafka's producer waits for ever for sends that nobody acknowledges.
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.config.disconnect()
        except TimeoutError:
            logger.warning("the producer did not stop in time and was left")
        self._connection = None

    def poll_ages(self) -> dict[str, float]:
        """Return, per group, how many seconds ago its consumer asked last for what it reads.

        It grows while a handler is stuck and while the bus is away. A consumer that reads nothing
        at the moment is not late.
        """
        return {
            cast(LogicSubscriber[Any], subscriber).group_id or "": _poll_age(subscriber)
            for subscriber in self.subscribers
        }

    def _refuse_unfit(self) -> None:
        """Raise for a subscriber that this bus cannot serve."""

    async def _refuse_undeclared(self) -> None:
        declared = await self._declared()
        for subscriber in self.subscribers:
            wanted = cast(LogicSubscriber[Any], subscriber).topic_names_for_subscribe
            if missing := sorted(set(wanted) - declared):
                msg = f"{', '.join(missing)}: not declared, or hidden from this principal"
                raise UnknownTopicOrPartitionError(msg)

    async def _declared(self) -> set[str]:
        return set(await self.config.broker_config.admin.client.list_topics())

    async def _connect(self) -> Any:
        await super()._connect()
        config = self.config.broker_config
        config.builder = partial(PatientConsumer, **config.builder.keywords)  # type: ignore[attr-defined]  # it is a partial
        return config.builder


class EmbeddedBroker(BusBroker):
    """The same broker over the embedded log, at the one seam FastStream has for it."""

    log: EmbeddedLog

    def _refuse_unfit(self) -> None:
        for subscriber in self.subscribers:
            if getattr(subscriber, "max_workers", 1) > 1:
                msg = "max_workers means nothing on the embedded bus: one member per group"
                raise SetupError(msg)

    async def _declared(self) -> set[str]:
        return set(self.log.names())

    async def _connect(self) -> Any:
        config = self.config.broker_config
        await config.producer.connect(
            EmbeddedProducer(self.log),
            serializer=config.fd_config._serializer,  # FastStream's own connect does
            codec=config.broker_codec or DefaultCodec(),
        )
        config.admin.admin_client = EmbeddedAdmin(self.log)
        config.builder = partial(EmbeddedConsumer, log=self.log)
        return config.builder


class KafkaBus:
    """Apache Kafka. `replicas` and `min_insync` are those of the topics it makes."""

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        credentials: Credentials | None = None,
        replicas: int = 1,
        min_insync: int = 1,
        request_timeout_seconds: float = 10.0,
    ) -> None:
        self._servers = bootstrap_servers.split(",")
        self._security: BaseSecurity | None = credentials.security() if credentials else None
        self._timeout = request_timeout_seconds
        self._topics = KafkaTopics(
            self._connection("andan"),
            replicas=replicas,
            topic_settings={"min.insync.replicas": str(min_insync)},
        )
        self._brokers: list[BusBroker] = []

    def _connection(self, client: str) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._servers,
            "client_id": client,
            "request_timeout_ms": int(self._timeout * 1000),
            **parse_security(self._security),
        }

    async def start(self) -> None:
        """Connect; raise at once: `KafkaConnectionError` when no server answers, `LoginRefused`."""
        await self._topics.start()

    async def stop(self) -> None:
        """Stop the brokers that still run, then let go."""
        await _stop_all(self._brokers)
        await self._topics.stop()

    def broker(self, service: str, *, middlewares: Sequence[Any] = ()) -> BusBroker:
        """Return a new broker: acknowledged by all replicas, idempotent, creating no topic."""
        made = BusBroker(
            self._servers,
            request_timeout_ms=int(self._timeout * 1000),
            security=self._security,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            **_options(service, middlewares),
        )
        self._brokers.append(made)
        return made

    async def appender(self, service: str) -> Appender:
        """Return an appender with a producer of its own, connected at its first rows."""
        return KafkaAppender(self._connection(f"{service}-relay"), self._timeout)

    async def declare(
        self, topics: Iterable[TopicLike], *, accept_loss: bool = False
    ) -> list[Change]:
        """Make or alter topics; raise `TopicDiffers` where that would lose something."""
        return await self._topics.declare(topics, accept_loss=accept_loss)

    async def compare(self, topics: Iterable[TopicLike]) -> list[Difference]:
        """Return in what the topics differ from what is declared."""
        return await self._topics.compare(topics)

    async def wait_for(self, topics: Iterable[str]) -> None:
        """Return once somebody has made these topics, and this principal may see them."""
        await self._topics.wait_for(topics)

    def access(self) -> KafkaAccess:
        """Return what the administrator needs of users and rules: an async context manager."""
        return KafkaAccess(self._connection("access"))

    async def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, the sum over its partitions."""
        return await self._topics.lag(group, topics)

    async def rewind(self, group: str, topics: Iterable[str]) -> None:
        """Commit the beginning of every partition for the group."""
        await self._topics.rewind(group, topics)

    async def keys(self, topic: str) -> frozenset[bytes] | None:
        """Read the topic as nobody's group, to the end it has at the call."""
        return await kafka_keys(self._connection("keys"), topic)

    def positions(self) -> KafkaPositions:
        """Return what a backup and a restore need of the groups: an async context manager."""
        return KafkaPositions(self._connection("backup"))


class EmbeddedBus:
    """The bus of one process: its log is opened at start and cleaned every ten minutes."""

    def __init__(self, log: EmbeddedLog) -> None:
        self.log = log
        self._brokers: list[BusBroker] = []
        self._cleaning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the log; raise `LogInUse` when another process owns it."""
        self.log.open()
        self._cleaning = asyncio.create_task(self._clean())

    async def stop(self) -> None:
        """Stop the brokers that still run, then close the log."""
        await _stop_all(self._brokers)
        if self._cleaning is not None:
            self._cleaning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._cleaning
            self._cleaning = None
        self.log.close()

    def broker(self, service: str, *, middlewares: Sequence[Any] = ()) -> BusBroker:
        """Return a new broker over the log."""
        made = EmbeddedBroker("embedded", **_options(service, middlewares))
        made.log = self.log
        self._brokers.append(made)
        return made

    async def appender(self, service: str) -> Appender:
        """Return an appender to the log."""
        return EmbeddedAppender(self.log)

    async def declare(self, topics: Iterable[TopicLike]) -> list[Change]:
        """Make or alter topics; a topic has one partition here, whatever is declared."""
        return self.log.declare(sorted_by_name(topics))

    async def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, the records behind; from memory."""
        return self.log.lag(group, topics)

    async def rewind(self, group: str, topics: Iterable[str]) -> None:
        """Commit offset 0 for the group; what is there no longer is passed over."""
        self.log.commit(group, dict.fromkeys(topics, 0))

    async def keys(self, topic: str) -> frozenset[bytes] | None:
        """Read the topic to its end."""
        return embedded_keys(self.log, topic)

    async def _clean(self) -> None:
        while True:
            try:
                self.log.clean()
            except Exception:
                logger.exception("the log could not be cleaned")
            await asyncio.sleep(CLEAN_EVERY_SECONDS)


def _poll_age(subscriber: Any) -> float:
    consumer = subscriber.consumer
    if consumer is None:
        return 0.0
    polls = [consumer.last_poll_timestamp(each) for each in consumer.assignment()]
    asked = [milliseconds for milliseconds in polls if milliseconds]
    return max(0.0, time.time() - min(asked) / 1000) if asked else 0.0


def _options(service: str, middlewares: Sequence[Any]) -> dict[str, Any]:
    log = logging.getLogger(f"andan.bus.{service}")
    log.addFilter(_is_news)
    return {
        "client_id": service,
        "allow_auto_create_topics": False,
        "graceful_timeout": GRACEFUL_SECONDS,
        "ack_policy": AckPolicy.NACK_ON_ERROR,
        "parser": parse,
        "decoder": decode,
        "middlewares": middlewares,
        "logger": log,
    }


def _is_news(record: logging.LogRecord) -> bool:
    # FastStream warns, per subscriber, that it makes no topics; `declare` does.
    return not record.getMessage().startswith("Auto create topics is disabled")


async def _stop_all(brokers: list[BusBroker]) -> None:
    connected = [broker for broker in brokers if broker.is_connected]
    brokers.clear()
    for result in await asyncio.gather(
        *(broker.stop() for broker in connected), return_exceptions=True
    ):
        if isinstance(result, Exception):
            logger.warning("a broker stopped with an error: %r", result)
