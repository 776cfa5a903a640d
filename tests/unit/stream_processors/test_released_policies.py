"""A policy that was published under an earlier release is still understood: an update puts none out of force.

The policy files of release 2 (commit b00aaeb) are kept as they were. What a release no longer understands it refuses by
name, and the feed goes on with the file: so a changed meaning needs a new name of the setting, or a test here fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.fields import Feed
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_document
from services.stream_processors.engine.events import DocumentAccepted, DocumentRefused
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import log_of, publication

FILES = sorted((Path(__file__).parent / "policies").glob("*/*.toml"))


def test_every_feed_has_a_released_policy() -> None:
    read = [parse_document(file.read_text(), PolicyDocument, file=file.name) for file in FILES]
    assert {document.feed for document in read} == set(Feed)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_policy_of_an_earlier_release_comes_into_force(file: Path) -> None:
    document = parse_document(file.read_text(), PolicyDocument, file=file.name)
    published = document.model_copy(update={"version": "of-before"})
    (judge,) = build_judges([document.feed], ProcessorSettings())
    outputs, refused = Worker(judge, "readings", 0).judge(log_of([publication(published)]))
    assert refused == []
    assert [output for output in outputs if isinstance(output, DocumentRefused)] == []
    assert [output for output in outputs if isinstance(output, DocumentAccepted)]
