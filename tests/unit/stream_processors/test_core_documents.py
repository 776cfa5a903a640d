"""Published documents: which counts, what is refused, and what an owner must still publish into a partition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.fields import Feed
from schemas.plan.documents import PlanDocument
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.events import DocumentAccepted, DocumentRefused, Output
from services.stream_processors.engine.worker import Worker
from services.stream_processors.plan.files import load_document
from tests.unit.stream_processors.recorded import Process, Record, publication
from tests.unit.stream_processors.scripted import Key, ScriptedJudge, reading

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan"


def policy(version: str, feed: Feed = Feed.PARKING) -> PolicyDocument:
    document = load_document(PLAN / "policies" / f"{feed}.toml", PolicyDocument)
    return document.model_copy(update={"policy": document.policy.model_copy(update={"version": version})})


A, B, BAD, CORRECTED = policy("a"), policy("b"), policy("bad"), policy("c")


def published(worker: Worker[Any], *documents: PolicyDocument) -> list[Output]:
    said: list[Output] = []
    for document in documents:
        outputs, refused = worker.judge([Record(worker.next_offset, *publication(document))])
        assert not refused
        said += outputs
    return said


def in_force(worker: Worker[Any]) -> str:
    """The documents under which a key is judged again when one more is published."""
    judge = worker._state.judge
    assert isinstance(judge, ScriptedJudge)
    return " ".join(name.split("/")[1] for name in judge.documents)


def worker() -> Worker[Any]:
    found: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    found.judge([Record(0, *reading(0))])
    return found


def test_an_earlier_version_published_again_is_back_in_force() -> None:
    chosen = worker()
    said = published(chosen, A, B)
    assert in_force(chosen) == "a b"
    assert chosen.lacking([B, A]) == [A], "A was published once more"
    said += published(chosen, A)
    assert in_force(chosen) == "b a"
    assert chosen.lacking([B, A]) == []
    names = ["policy/parking-operations/a", "policy/parking-operations/b", "policy/parking-operations/a"]
    assert said == [DocumentAccepted(name) for name in names]


def test_what_was_published_last_already_changes_nothing() -> None:
    chosen = worker()
    published(chosen, A)
    assert published(chosen, A, A) == []


def test_a_refused_document_leaves_the_one_in_force_and_a_good_one_is_accepted() -> None:
    chosen = worker()
    said = published(chosen, A, BAD, CORRECTED)
    assert said == [
        DocumentAccepted("policy/parking-operations/a"),
        DocumentRefused("policy/parking-operations/bad", "a lateness of 9e99 seconds"),
        DocumentAccepted("policy/parking-operations/c"),
    ]
    assert in_force(chosen) == "a c"


def test_the_same_version_with_content_that_is_refused_leaves_the_former_content() -> None:
    class Picky(ScriptedJudge):
        def with_document(self, document: Any) -> ScriptedJudge:
            if document.window.samples_max == 17:
                raise ValueError("17")
            return super().with_document(document)

    process = Process(Picky())
    worse = A.model_copy(update={"window": A.window.model_copy(update={"samples_max": 17})})
    published(process.worker, A, worse)
    assert in_force(process.worker) == "a"
    assert process.worker.lacking([worse]) == []
    process.store()
    process.kill()
    assert in_force(process.worker) == "a"


def test_a_document_of_another_feed_is_none_of_ours() -> None:
    chosen, other = worker(), policy("1", Feed.WATER)
    assert chosen.lacking([other]) == []
    assert published(chosen, other) == []
    assert chosen.lacking([other, A]) == [A]


@pytest.mark.parametrize(
    ("here", "everywhere", "lacking"),
    [
        ("", "ab", "ab"),
        ("ab", "ab", ""),
        ("a", "ab", "b"),
        ("ab", "ba", "a"),
        ("ba", "ab", "b"),
        ("abc", "acb", "b"),
        ("ac", "abc", "bc"),
        ("abc", "c", ""),
    ],
)
def test_what_an_owner_must_still_publish(here: str, everywhere: str, lacking: str) -> None:
    chosen = worker()
    published(chosen, *map(policy, here))
    wanted = chosen.lacking(map(policy, everywhere))
    assert "".join(document.policy.version for document in wanted if isinstance(document, PolicyDocument)) == lacking
    published(chosen, *(one for one in wanted if isinstance(one, PolicyDocument)))
    assert chosen.lacking(map(policy, everywhere)) == []


def test_documents_that_do_not_replace_one_another_have_no_order() -> None:
    chosen = worker()
    plan = load_document(PLAN / "jianghan-14fyp.toml", PlanDocument)
    published(chosen, A)
    chosen.judge([Record(chosen.next_offset, *publication(plan))])
    assert chosen.lacking([plan, A]) == chosen.lacking([A, plan]) == []


def test_every_key_is_judged_again_and_one_that_raises_does_not_stop_the_others() -> None:
    chosen: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    chosen.judge([Record(0, *reading(0, "raise-rejudge", key="a")), Record(1, *reading(0, key="b"))])
    said = published(chosen, A)
    assert [type(one).__name__ for one in said] == ["DocumentAccepted", "JudgingFailed"]
    states: dict[str, Key] = chosen._state.lanes["live"].keys
    assert states["b"].documents == ("parking-operations/a",)


def test_documents_come_back_with_the_state_and_what_this_release_refuses_is_named_refused() -> None:
    process = Process(ScriptedJudge())
    published(process.worker, A, BAD, B)
    process.store()
    process.kill()
    assert in_force(process.worker) == "a b"
    assert process.worker.lacking([A, BAD, B]) == []

    class Stricter(ScriptedJudge):
        def with_document(self, document: Any) -> ScriptedJudge:
            if document.policy.version == "b":
                raise ValueError("not any more")
            return super().with_document(document)

    process.judge = Stricter()
    process.kill()
    assert in_force(process.worker) == "a"
