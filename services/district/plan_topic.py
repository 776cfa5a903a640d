"""The topic `plan` as the operator reads and writes it; every wait has a bound."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from schemas.plan.errors import problems_of
from schemas.plan.publication import PlanPublication, document_of, parse_publication, publication_key
from schemas.topics import PLAN
from services.district.whole_topic import records_of, write_records
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-plan"
_FAULTS_NAMED: Final = 3


async def published(settings: KafkaSettings | None) -> tuple[list[PlanPublication], list[str]]:
    """What was published, in its order, and what on the topic cannot be read.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    found: list[PlanPublication] = []
    unread: list[str] = []
    for record in await records_of(settings, PLAN, CLIENT_ID):
        try:
            publication = parse_publication(record.value or b"")
            document_of(publication)
        except ValidationError as error:
            faults = "; ".join(f"{key}: {reason}" for key, reason in problems_of(error)[:_FAULTS_NAMED])
            unread.append(f"record {record.offset} of topic {PLAN}: {faults}")
        else:
            found.append(publication)
    return found, unread


async def publish(settings: KafkaSettings | None, publication: PlanPublication) -> str:
    """Write one version, confirmed by all replicas; returns its key.

    Raises:
        ServerSilent: Kafka does not answer; whether it was written is then not known, publishing again is safe.
    """
    key = publication_key(document_of(publication))
    await write_records(settings, PLAN, CLIENT_ID, [(key, publication.model_dump_json().encode())])
    return key.decode()
