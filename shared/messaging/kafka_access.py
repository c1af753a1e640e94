"""The users and rules of a Kafka server, compared with those that should be, and brought to it."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Self, cast

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest

from shared.messaging.credentials import LoginRefused, check_login
from shared.messaging.kafka_protocol import Acl, AlterUsers, CreateAcls, DeleteAcls, DescribeUsers
from shared.messaging.principals import MECHANISM, OURS, Operation, Rule

_RESOURCES: Final = {"topic": 2, "group": 3}  # the protocol's numbers, here and below
_OPERATIONS: Final[dict[Operation, int]] = {"READ": 3, "WRITE": 4, "DESCRIBE": 8}
_ANY, _LITERAL, _PREFIXED, _ALLOW, _SCRAM_SHA_512 = 1, 3, 4, 3, 2
_ITERATIONS: Final = 4096
_EFFECT_SECONDS: Final = 15.0
_LOOK_EVERY_SECONDS: Final = 0.05


class AccessDifferences(NamedTuple):
    """In what a server's users and rules are not as they should be."""

    users: list[str]
    """Users that are missing, or have another password."""
    strangers: list[str]
    """Users named as ours are, whom nobody here knows."""
    missing: list[Rule]
    needless: list[Acl]
    """Rules for a principal named as ours are that should not be there."""

    def __bool__(self) -> bool:
        return any(self)

    def lines(self) -> list[str]:
        """Say each in a line."""
        return [
            *(f"user {name}: missing, or has another password" for name in self.users),
            *(f"user {name}: belongs to no service" for name in self.strangers),
            *(f"rule missing: {rule}" for rule in self.missing),
            *(f"rule too many: {_in_words(acl)}" for acl in self.needless),
        ]


class KafkaAccess:
    """Users and rules, as the administrator sees and sets them."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._connection = dict(connection)
        self._admin = AIOKafkaAdminClient(**self._connection)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
        except KafkaConnectionError:
            await self._admin.close()
            await check_login(self._connection)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def compare(
        self, wanted: Iterable[Rule], passwords: Mapping[str, str]
    ) -> AccessDifferences:
        """Return what differs; `passwords` are those that our users should have, by name.

        Nobody can read a password from the server: each user's is tried.
        """
        rules = {_acl(rule): rule for rule in wanted}
        present = await self._acls()
        known = await self._users()
        believed = await asyncio.gather(
            *(self._is_believed(name, passwords[name]) for name in passwords if name in known)
        )
        good = {name for name, is_good in believed if is_good}
        return AccessDifferences(
            users=sorted(set(passwords) - good),
            strangers=sorted(known - set(passwords)),
            missing=sorted(rules[acl] for acl in rules.keys() - present),
            needless=sorted(present - rules.keys()),
        )

    async def bring(
        self, wanted: Iterable[Rule], passwords: Mapping[str, str]
    ) -> AccessDifferences:
        """Make what is missing and take away what is too much; return what was different.

        Returns once the server that is asked acts by it.
        """
        wanted = list(wanted)
        found = await self.compare(wanted, passwords)
        if found.missing:
            answer = await self._send(CreateAcls([_acl(rule) for rule in found.missing]))
            _raise_first(answer["creation_responses"])
        if found.needless:
            answer = await self._send(DeleteAcls(found.needless))
            _raise_first(answer["filter_responses"])
        if found.users or found.strangers:
            gone = [(name, _SCRAM_SHA_512) for name in found.strangers]
            made = [_credential(name, passwords[name]) for name in found.users]
            _raise_first((await self._send(AlterUsers(gone, made)))["results"])
        if found:
            async with asyncio.timeout(_EFFECT_SECONDS):
                while await self.compare(wanted, passwords):  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(_LOOK_EVERY_SECONDS)
        return found

    async def _acls(self) -> set[Acl]:
        """Return every rule of a principal that is named as ours are."""
        answer = await self._send(
            DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)  # none matches all
        )
        _raise_first([answer])
        return {
            (of["resource_type"], of["resource_name"], of["resource_pattern_type"], *acl.values())
            for of in answer["resources"]
            for acl in of["acls"]
            if acl["principal"].startswith(f"User:{OURS}")
        }

    async def _users(self) -> set[str]:
        answer = await self._send(DescribeUsers())
        _raise_first([answer])
        return {each["user"] for each in answer["results"] if each["user"].startswith(OURS)}

    async def _is_believed(self, name: str, password: str) -> tuple[str, bool]:
        login = {
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": name,
            "sasl_plain_password": password,
        }
        try:
            return name, await check_login({**self._connection, **login})
        except LoginRefused:
            return name, False

    async def _send(self, request: Any) -> dict[str, Any]:
        return cast(dict[str, Any], (await self._admin._send_request(request)).to_object())


def _acl(rule: Rule) -> Acl:
    pattern = _PREFIXED if rule.is_prefix else _LITERAL
    return (
        _RESOURCES[rule.resource],
        rule.name,
        pattern,
        f"User:{rule.principal}",
        "*",
        _OPERATIONS[rule.operation],
        _ALLOW,
    )


def _in_words(acl: Acl) -> str:
    resource, name, pattern, principal, _, operation, permission = acl
    kinds = {number: kind for kind, number in _RESOURCES.items()}
    operations = {number: word for word, number in _OPERATIONS.items()}
    may = "may" if permission == _ALLOW else "may not"
    what = f"{kinds.get(resource, f'resource {resource}')} {name}"
    return (
        f"{principal.removeprefix('User:')} {may} "
        f"{operations.get(operation, f'operation {operation}')} "
        f"{f'every {what}…' if pattern == _PREFIXED else what}"
    )


def _credential(name: str, password: str) -> tuple[str, int, int, bytes, bytes]:
    """Return what the server is told of a password: salted and hashed, never itself."""
    salt = secrets.token_bytes(24)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return name, _SCRAM_SHA_512, _ITERATIONS, salt, salted


def _raise_first(results: Iterable[Mapping[str, Any]]) -> None:
    for result in results:
        if result["error_code"]:
            raise for_code(result["error_code"])(result["error_message"])
