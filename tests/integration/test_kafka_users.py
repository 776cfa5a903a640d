"""A user that an older release had no name for is told to the broker, and nobody's password changes by it."""

from __future__ import annotations

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.local import kafka, kafka_users
from deploy.local.stack import Stack
from tests.integration.delivery_service import kafka_options


async def test_a_missing_user_is_added_once_and_the_others_stay(stack: Stack) -> None:
    operator = kafka_options(stack)
    address, password = operator["bootstrap_servers"], operator["sasl_plain_password"]
    client = AIOKafkaClient(**kafka.client_options(address, "operator", password))
    await client.bootstrap()
    try:
        wanted = {"operator": "not its password", "newcomer": "first"}
        assert await kafka_users.add_missing(client, wanted) == ["newcomer"]
        assert await kafka_users.add_missing(client, wanted | {"newcomer": "second"}) == []
    finally:
        await client.close()
    await _log_in(address, "operator", password)
    await _log_in(address, "newcomer", "first")
    with pytest.raises(KafkaError):
        await _log_in(address, "newcomer", "second")


async def _log_in(address: str, user: str, password: str) -> None:
    client = AIOKafkaClient(**kafka.client_options(address, user, password))
    try:
        await client.bootstrap()
    finally:
        await client.close()
