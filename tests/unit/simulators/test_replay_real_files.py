"""The real measurements beside the checkout: every row yields a reading, and the known dirt is recognised."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.readings import MODELS
from simulators.replay.files import Recording, read_recording
from simulators.replay.numbering import Outgoing, boot_id_of, outgoing

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the real measurements are not beside this checkout ({DATA})"
)


def play(name: str) -> tuple[Recording, list[Outgoing], Counter[str], Counter[str]]:
    """The recording, what is sent, the doubts of what is valid, and what is wrong with the rest."""
    recording = read_recording(DATA / name)
    feed = recording.format.feed
    sent = outgoing(feed, recording.readings, "replay:test", boot_id_of(feed, recording.readings, "replay:test"))
    doubts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for each in sent:
        try:
            reading = MODELS[feed].model_validate_json(each.payload)
        except ValidationError as error:
            wrong[str(error.errors()[0]["loc"][0])] += 1
        else:
            doubts.update(code.value for code in reading.all_doubts())
    assert {each.source.row for each in sent} == set(range(1, recording.rows + 1))
    assert len(sent) == len(recording.readings)
    return recording, sent, doubts, wrong


def numbers_have_no_gap(sent: list[Outgoing]) -> bool:
    seqs: dict[str, set[int]] = {}
    for each in sent:
        seqs.setdefault(each.key[0], set()).add(each.key[1])
    return all(found == set(range(len(found))) for found in seqs.values())


def test_national_snapshots() -> None:
    recording, sent, doubts, wrong = play("water/cnemc_national_2020-05-08_09_raw.csv")
    assert recording.register is not None
    assert (recording.rows, wrong) == (3_802, Counter())
    assert sum(each.source.label is not None for each in sent) == 2_889
    assert len({each.key for each in sent}) == 3_630
    assert doubts["year_inferred"] == 3_802
    assert min(each.at for each in sent).year == 2019
    assert numbers_have_no_gap(sent)


def test_four_hourly_readings() -> None:
    recording, sent, _, wrong = play("water/cnemc_4hourly_2021-04-01_05_displayed.csv")
    assert recording.rows == 6_519
    assert wrong == Counter({"observed_at": 199})
    assert numbers_have_no_gap(sent)


def test_unit_responses() -> None:
    recording, sent, doubts, wrong = play("emergency/sffd_calls_unit_responses_2020-04_a.csv")
    assert (recording.rows, len(sent), wrong) == (5_272, 33_909, Counter())
    assert doubts["steps_out_of_order"] >= 6
    assert numbers_have_no_gap(sent)


def test_car_parks() -> None:
    recording, _, doubts, wrong = play("parking/german_lots_2020-10-29.csv")
    assert (recording.rows, wrong) == (38_168, Counter())
    assert doubts == Counter({"free_above_capacity": 1_071, "free_negative": 43})


def test_charging_sessions() -> None:
    recording, sent, doubts, wrong = play("ev/workplace_charging_sessions_2014_2015.csv")
    assert (recording.rows, len(sent), wrong) == (3_395, 6_790, Counter())
    assert doubts == Counter({"year_restored": 6_790, "zone_assumed": 6_790})
