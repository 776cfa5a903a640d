"""What each Kafka user may do, as one table, and how it is told to the broker.

A service that is taken over can write only where it writes in its work, and can neither join another's consumer group
nor fence another's transactions; `operator` and the broker's own users are super users and need no line here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from deploy.local.errors import ServerNotReady
from schemas.fields import Feed

ANY = 1
ALLOW = 3
EVERYWHERE = "*"


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


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of the table."""

    user: str
    resource: Resource
    name: str
    """A name, or a prefix that ends in a dot or a hyphen."""
    operation: Operation

    @property
    def pattern(self) -> Pattern:
        """How the name is meant."""
        return Pattern.PREFIXED if self.name.endswith((".", "-")) else Pattern.LITERAL


READS = {
    "bridge": ("bridge-receipts",),
    "sink": (
        *("readings.", "alerts", "alert-actions", "deliveries", "indicators", "dead-letters", "plan"),
        "target-figures",
    ),
    "processor": ("readings.", "processor-state.", "alerts", "indicators", "plan", "lanes"),
    "delivery": ("alerts", "alert-actions", "deliveries"),
    "api": ("alerts", "alert-actions", "api-audit", "target-figures"),
}
WRITES = {
    "bridge": ("readings.", "dead-letters", "bridge-receipts"),
    "sink": ("dead-letters", "alerts"),
    "processor": ("readings.", "processor-state.", "alerts", "indicators", "dead-letters", "lanes"),
    "delivery": ("deliveries", "alert-actions"),
    "api": ("alert-actions", "api-audit", "plan", "target-figures"),
}
GROUPS = {"sink": ("sink",), "processor": ("processor.",), "delivery": ("delivery-",)}
"""Consumer groups that a user may join and commit for."""
TRANSACTIONS = {"processor": tuple(f"{feed}-" for feed in Feed)}
"""Transactional ids, by their beginning: a processor has one for each partition that it judges."""


def grants() -> Iterator[Grant]:
    """Yield the whole table."""
    for resource, operation, table in (
        (Resource.TOPIC, Operation.READ, READS),
        (Resource.TOPIC, Operation.WRITE, WRITES),
        (Resource.GROUP, Operation.READ, GROUPS),
        (Resource.TRANSACTION, Operation.WRITE, TRANSACTIONS),
    ):
        for user, names in table.items():
            yield from (Grant(user, resource, name, operation) for name in names)


async def apply(client: AIOKafkaClient) -> None:
    """Tell the broker every grant, and take back from these users what the table does not say; repeatable.

    Raises:
        ServerNotReady: the broker refused.
    """
    wanted = {_entry(grant) for grant in grants()}
    for user in READS:
        known = await _entries(client, f"User:{user}")
        for entry in sorted({entry for entry in wanted if entry[3] == f"User:{user}"} - known):
            answer = await client.send(client.get_random_node(), CreateAclsRequest(*entry))
            _accept(entry, answer.creation_responses)
        for entry in sorted(known - wanted):
            answer = await client.send(client.get_random_node(), DeleteAclsRequest(*entry))
            _accept(entry, [response[:2] for response in answer.filter_responses])


Entry = tuple[int, str, int, str, str, int, int]
"""Resource, name, pattern, principal, host, operation and permission, as the protocol orders them."""


def _entry(grant: Grant) -> Entry:
    return (grant.resource, grant.name, grant.pattern, f"User:{grant.user}", EVERYWHERE, grant.operation, ALLOW)


async def _entries(client: AIOKafkaClient, principal: str) -> set[Entry]:
    request = DescribeAclsRequest(ANY, None, ANY, principal, None, ANY, ANY)
    answer = await client.send(client.get_random_node(), request)
    _accept(principal, [(answer.error_code, answer.error_message)])
    return {
        (resource, name, pattern, *entry) for resource, name, pattern, entries in answer.resources for entry in entries
    }


def _accept(what: object, answers: list[tuple[int, str | None]]) -> None:
    for code, message in answers:
        if code != 0:
            raise ServerNotReady(f"Kafka refused {what}: error {code} {message or ''}")
