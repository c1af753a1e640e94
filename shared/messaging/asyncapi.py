"""The AsyncAPI document of the whole house: every topic, who tells on it, and who hears it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from shared.contracts.every import CONTRACTS
from shared.contracts.topics import TOPICS, Topic
from shared.messaging.subscription import Subscription

if TYPE_CHECKING:
    from shared.service import Service


def describe(services: Sequence["Service"]) -> str:
    """Return AsyncAPI 3 as YAML, made by FastStream from the contracts and the subscriptions."""
    broker = KafkaBroker()
    for topic in TOPICS.values():
        broker.publisher(
            topic.name,
            title=f"{topic.name}:publish",
            description=_describe_topic(topic),
            schema=_union([each for each in CONTRACTS.values() if each.topic == topic.name]),
        )
    for service in services:
        for subscription in service.parts.subscriptions:
            _subscribe(broker, subscription)
    document = AsyncAPI(
        broker,
        title="Andan",
        version="1",
        description="Domain events of Andan: CloudEvents 1.0, Kafka binary binding.",
        schema_version="3.0.0",
    )
    schema = document.to_specification()
    assert isinstance(schema, ApplicationSchema)
    return _in_order(schema).to_yaml()


def _in_order(schema: ApplicationSchema) -> ApplicationSchema:
    """Sort by name what FastStream keeps in sets, so that the same house has the same text."""
    schema.channels = dict(sorted(schema.channels.items()))
    schema.operations = dict(sorted(schema.operations.items()))
    parts = schema.components
    assert parts is not None
    parts.messages = dict(sorted((parts.messages or {}).items()))
    parts.schemas = dict(sorted((parts.schemas or {}).items()))
    return schema


def _subscribe(broker: KafkaBroker, subscription: Subscription) -> None:
    message = _union(list(subscription.messages.values()))

    async def hear(batch: Any) -> None:
        raise AssertionError("this broker is never started")

    hear.__annotations__["batch"] = message
    broker.subscriber(
        *subscription.topics,
        group_id=subscription.group,
        title=subscription.group,
        description=f"Group {subscription.group}: {_describe_reading(subscription)}",
    )(hear)


def _describe_reading(subscription: Subscription) -> str:
    if subscription.within is None:
        return "projects, from the beginning"
    return f"acts on what is at most {subscription.within.days} days old"


def _describe_topic(topic: Topic) -> str:
    kept = "for ever" if topic.retention is None else f"for {topic.retention.days} days"
    return f"Key: {topic.key}. Carries: {topic.carries}. Kept {kept}: {topic.reason}"


def _union(messages: Sequence[Any]) -> Any:
    return reduce(or_, messages)
