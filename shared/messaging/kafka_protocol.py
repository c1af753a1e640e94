"""Requests of Kafka's protocol for users and rules that aiokafka has no method for."""

from collections.abc import Sequence
from typing import Final

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_TEXT: Final = CompactString("utf-8")


class AlteredUsers(Response):  # type: ignore[misc]  # aiokafka carries no types
    """What became of each user; no error code is 0."""

    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", _TEXT),
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterUsersStruct(RequestStruct):  # type: ignore[misc]  # aiokafka carries no types
    """AlterUserScramCredentials."""

    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = AlteredUsers
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", _TEXT), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", _TEXT),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterUsers(Request[AlterUsersStruct]):  # type: ignore[misc]  # aiokafka carries no types
    """Takes users away, and makes others or gives them another password."""

    API_KEY = 51

    def __init__(
        self,
        deletions: Sequence[tuple[str, int]],
        upsertions: Sequence[tuple[str, int, int, bytes, bytes]],
    ) -> None:
        self._deletions: list[tuple[object, ...]] = [(*each, {}) for each in deletions]
        self._upsertions: list[tuple[object, ...]] = [(*each, {}) for each in upsertions]

    def build(self, request_struct_class: type[AlterUsersStruct]) -> AlterUsersStruct:
        """Return the request as it is sent."""
        return request_struct_class(self._deletions, self._upsertions, {})


class DescribedUsers(Response):  # type: ignore[misc]  # aiokafka carries no types
    """The users that there are, and by which mechanisms each logs in."""

    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        (
            "results",
            CompactArray(
                ("user", _TEXT),
                ("error_code", Int16),
                ("error_message", _TEXT),
                (
                    "infos",
                    CompactArray(
                        ("mechanism", Int8), ("iterations", Int32), ("tags", TaggedFields)
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeUsersStruct(RequestStruct):  # type: ignore[misc]  # aiokafka carries no types
    """DescribeUserScramCredentials."""

    API_KEY = 50
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = DescribedUsers
    SCHEMA = Schema(
        ("users", CompactArray(("name", _TEXT), ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )


class DescribeUsers(Request[DescribeUsersStruct]):  # type: ignore[misc]  # aiokafka carries no types
    """Asks for all users."""

    API_KEY = 50

    def build(self, request_struct_class: type[DescribeUsersStruct]) -> DescribeUsersStruct:
        """Return the request as it is sent."""
        return request_struct_class(None, {})


Acl = tuple[int, str, int, str, str, int, int]
"""Kind of resource, its name, kind of pattern, principal, host, operation, permission."""


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka carries no types
    """Makes several rules; aiokafka's own request makes one."""

    API_KEY = 30

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._acls = list(acls)

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        """Return the request as it is sent."""
        return request_struct_class(self._acls)


class DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]  # aiokafka carries no types
    """Takes several rules back; aiokafka's own request takes one."""

    API_KEY = 31

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._acls = list(acls)

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        """Return the request as it is sent."""
        return request_struct_class(self._acls)
