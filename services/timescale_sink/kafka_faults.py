"""Whose fault an error of Kafka is: the whole client's, or one topic's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from services.timescale_sink.errors import KafkaClientEnded, KafkaRefusesUs, KafkaUnavailable, TopicUnreadable

_NO_ENTRY: Final = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
_AWAY: Final = (KafkaConnectionError, KafkaTimeoutError, KafkaUnavailableError)
_ENDED: Final = "Unexpected error during"
"""So the client's own tasks end, by a fault of the program."""


@contextmanager
def reading_errors() -> Iterator[None]:
    """Name what comes out of the client while a topic is read.

    Raises:
        KafkaUnavailable: Kafka does not answer just now.
        TopicUnreadable: it does not give the topic's records.
        KafkaRefusesUs: user or password is wrong.
        KafkaClientEnded: a task of the client ended by a fault.
    """
    try:
        yield
    except _NO_ENTRY as error:
        raise KafkaRefusesUs(f"{_named(error)}; correct KAFKA_USERNAME and KAFKA_PASSWORD") from error
    except KafkaError as error:
        bare = type(error) is KafkaError
        if bare and _ENDED in str(error):
            raise KafkaClientEnded(f"the Kafka client has ended: {error}") from error
        if bare or isinstance(error, _AWAY) or error.retriable:
            raise KafkaUnavailable(_named(error)) from error
        raise TopicUnreadable(
            f"Kafka does not give its records, {_named(error)}; see the broker and its ACLs"
        ) from error


def _named(error: KafkaError) -> str:
    return f"{type(error).__name__}: {error}"
