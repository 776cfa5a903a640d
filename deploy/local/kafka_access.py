"""What each Kafka user may do, as one table, and how it is told to the broker.

A service that is taken over can write only where it writes in its work; `operator` and the broker's own users are
super users and need no line here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local.errors import ServerNotReady

ALLOW = 3
EVERY = "*"


class Resource(IntEnum):
    """What is protected; numbers of the Kafka protocol."""

    TOPIC = 2
    GROUP = 3
    TRANSACTION = 5


class Pattern(IntEnum):
    """How a resource is named; numbers of the Kafka protocol."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What is allowed; numbers of the Kafka protocol. Reading and writing include describing."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of the table."""

    user: str
    resource: Resource
    name: str
    """A name, a prefix that ends in a dot, or `*`."""
    operation: Operation

    @property
    def pattern(self) -> Pattern:
        """How the name is meant."""
        return Pattern.PREFIXED if self.name.endswith(".") else Pattern.LITERAL


READS = {
    "bridge": ("bridge-receipts",),
    "sink": ("readings.", "alerts", "indicators", "dead-letters", "plan"),
    "processor": ("readings.", "processor-state.", "alerts", "indicators", "plan"),
}
WRITES = {
    "bridge": ("readings.", "dead-letters", "bridge-receipts"),
    "sink": ("dead-letters",),
    "processor": ("readings.", "processor-state.", "alerts", "indicators", "dead-letters"),
}


def grants() -> Iterator[Grant]:
    """Yield the whole table."""
    for user, reads in READS.items():
        yield from (Grant(user, Resource.TOPIC, name, Operation.READ) for name in reads)
        yield from (Grant(user, Resource.TOPIC, name, Operation.WRITE) for name in WRITES[user])
        yield Grant(user, Resource.TOPIC, EVERY, Operation.DESCRIBE)
        yield Grant(user, Resource.TOPIC, EVERY, Operation.DESCRIBE_CONFIGS)
        yield Grant(user, Resource.GROUP, EVERY, Operation.READ)
        yield Grant(user, Resource.TRANSACTION, EVERY, Operation.WRITE)


async def apply(client: AIOKafkaClient) -> None:
    """Tell the broker every grant; repeatable.

    Raises:
        ServerNotReady: the broker refused one.
    """
    for grant in grants():
        request = CreateAclsRequest(
            grant.resource, grant.name, grant.pattern, f"User:{grant.user}", EVERY, grant.operation, ALLOW
        )
        answer = await client.send(client.get_random_node(), request)
        for code, message in answer.creation_responses:
            if code != 0:
                raise ServerNotReady(f"Kafka refused {grant}: error {code} {message or ''}")
