"""Every subscription has a publisher, a group of its own, and a topic of the one list."""

import ast
import importlib
from collections import Counter
from collections.abc import Iterable, Iterator
from types import ModuleType

from shared.contracts.message import Message
from shared.messaging.subscription import Subscription, projects
from tests.architecture.sources import Source, product

HEARING = ("messages.py", "/messages/")


def subscriptions(modules: Iterable[ModuleType]) -> list[Subscription]:
    """Return what the modules declare, each once."""
    declared = {
        id(value): value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Subscription)
    }
    return list(declared.values())


def hearing_modules() -> Iterator[ModuleType]:
    """Yield the doors through which services hear."""
    for source in product():
        if source.path.startswith("services/") and any(part in source.path for part in HEARING):
            name = source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            yield importlib.import_module(name)


def named(source: Source) -> set[str]:
    """Return every name that a file uses."""
    return {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)} | {
        node.attr for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)
    }


def without_publisher(declared: Iterable[Subscription], files: Iterable[Source]) -> Iterator[str]:
    """A subscription to what nobody says waits for ever, and looks like one that works.

    One message renamed on the publisher's side is enough, and nobody notices: a consumer without
    messages has no errors either.
    """
    said: dict[str, set[str]] = {}
    for source in files:
        if not any(part in source.path for part in HEARING):
            service = source.path.split("/")[1]
            said.setdefault(service, set()).update(named(source))
    for subscription in declared:
        for kind, message in sorted(subscription.messages.items()):
            if message.__name__ not in said.get(kind.split(".")[2], set()):
                yield f"{subscription.group} hears {kind}, which nobody publishes"


def shared_groups(declared: Iterable[Subscription]) -> list[str]:
    """Two subscribers in one group rebalance for ever, and each hears half."""
    counts = Counter(subscription.group for subscription in declared)
    return sorted(group for group, count in counts.items() if count > 1)


def in_services() -> list[Source]:
    """Return the files of all services."""
    return [source for source in product() if source.path.startswith("services/")]


def test_every_subscription_has_a_publisher() -> None:
    """Each message that a service hears is named by the service that owns its topic."""
    assert list(without_publisher(subscriptions(hearing_modules()), in_services())) == []


def test_every_group_is_one_subscription() -> None:
    """No two subscriptions share a consumer group."""
    assert shared_groups(subscriptions(hearing_modules())) == []


class _Rung(Message):
    topic = "andan.events.event.v1"
    bell: str


def test_a_planted_subscription_is_found() -> None:
    """A message that its service never names is reported, and so is a group used twice."""
    lonely = projects(service="reporting", purpose="bells")
    lonely.messages["se.andan.events.bell.rung.v1"] = _Rung
    silent = Source("services/events/handlers.py", "work.publish(Other())")
    saying = Source("services/events/handlers.py", "work.publish(_Rung(bell='x'))")
    elsewhere = Source("services/booking/handlers.py", saying.text)
    assert len(list(without_publisher([lonely], [silent]))) == 1
    assert len(list(without_publisher([lonely], [elsewhere]))) == 1
    assert list(without_publisher([lonely], [saying])) == []
    assert shared_groups([lonely, projects(service="reporting", purpose="bells")]) == [
        "andan.reporting.bells"
    ]
