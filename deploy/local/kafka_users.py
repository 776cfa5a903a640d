"""Kafka's users as a running broker knows them: those that an older release had no name for are added.

The format of a data folder makes the first users; what a newer release adds is told to the broker at its start. A user
that is there already keeps its password, which is in `credentials.json`.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
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

from deploy.local.errors import ServerNotReady

SCRAM_SHA_512 = 2
ITERATIONS = 4096
"""Kafka's own default; passwords are 192 random bits."""
SALT_BYTES = 24
NO_SUCH_USER = 91


class _DescribeResponse(Response):  # type: ignore[misc] # the client has no types
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", CompactString("utf-8")),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeStruct(RequestStruct):  # type: ignore[misc] # the same
    API_KEY = 50
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("users", CompactArray(("name", CompactString("utf-8")), ("tags", TaggedFields))), ("tags", TaggedFields)
    )


class DescribeUserScramCredentials(Request[_DescribeStruct]):  # type: ignore[misc] # the same
    """Which of these users there are (KIP-554)."""

    API_KEY = 50

    def __init__(self, users: list[str]) -> None:
        self._users = users

    def build(self, request_struct_class: type[_DescribeStruct]) -> _DescribeStruct:
        """As the protocol has it."""
        return request_struct_class([(name, {}) for name in self._users], {})


class _AlterResponse(Response):  # type: ignore[misc] # the same
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterStruct(RequestStruct):  # type: ignore[misc] # the same
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class AlterUserScramCredentials(Request[_AlterStruct]):  # type: ignore[misc] # the same
    """Give users a password (KIP-554); the broker gets it salted and hashed, never in clear."""

    API_KEY = 51

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords

    def build(self, request_struct_class: type[_AlterStruct]) -> _AlterStruct:
        """As the protocol has it."""
        upsertions: list[tuple[Any, ...]] = []
        for name, password in self._passwords.items():
            salt = os.urandom(SALT_BYTES)
            upsertions.append((name, SCRAM_SHA_512, ITERATIONS, salt, salted(password, salt), {}))
        return request_struct_class([], upsertions, {})


def salted(password: str, salt: bytes) -> bytes:
    """What SCRAM (RFC 5802) calls the salted password. Pure."""
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)


async def add_missing(client: AIOKafkaClient, passwords: Mapping[str, str]) -> list[str]:
    """Add the users that the broker does not know yet; returns their names.

    Raises:
        ServerNotReady: the broker refused.
    """
    answer = await client.send(client.get_random_node(), DescribeUserScramCredentials(list(passwords)))
    known = {user for user, code, *_ in answer.results if code == 0}
    refused = [(user, code) for user, code, *_ in answer.results if code not in (0, NO_SUCH_USER)]
    if answer.error_code != 0 or refused:
        raise ServerNotReady(f"Kafka does not say which users it has: error {answer.error_code} {refused}")
    missing = {user: password for user, password in passwords.items() if user not in known}
    if not missing:
        return []
    controller = await client.send(client.get_random_node(), AlterUserScramCredentials(missing))
    for user, code, message, _ in controller.results:
        if code != 0:
            raise ServerNotReady(f"Kafka refused the user {user}: error {code} {message or ''}")
    return list(missing)
