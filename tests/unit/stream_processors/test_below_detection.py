"""An item below its limit of detection, from a table cell to the class: it counts as half of the limit, and says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from schemas.fields import Feed, QualityCode
from schemas.readings import MODELS
from simulators.replay.files import read_recording
from simulators.replay.numbering import boot_id_of, outgoing
from tests.unit.stream_processors.water_log import START, Item, log_of, reading, run, tick

LANE = "replay:below"
HEADER = "province,section,time_mmdd_hhmm,class_published,status,snapshot_date,ph,do_mgl,codmn_mgl,nh3n_mgl,tp_mgl"
TABLE = f"""{HEADER}
湖北省,测试断面,05-08 08:00,Ⅱ,正常,2024-05-08,7.8,8.9,2.1,<0.025,0.03
湖北省,测试断面,05-08 12:00,Ⅱ,正常,2024-05-08,7.9,8.8,2.2,0.025L,0.03
湖北省,测试断面,05-08 16:00,Ⅱ,正常,2024-05-08,7.7,8.7,2.3,未检出,0.04
湖北省,测试断面,05-08 20:00,Ⅱ,正常,2024-05-08,7.8,8.9,2.2,ND,0.03
湖北省,测试断面,05-09 00:00,Ⅱ,正常,2024-05-08,7.8,8.6,2.1,0.3,<0.01
"""


@pytest.fixture
def sent(tmp_path: Path) -> list[Item]:
    file = tmp_path / "water.csv"
    file.write_text(TABLE, encoding="utf-8")
    recording = read_recording(file)
    found = outgoing(Feed.WATER, recording.readings, LANE, boot_id_of(Feed.WATER, recording.readings, LANE))
    return [(orjson.dumps(orjson.loads(one.payload)), []) for one in found]


def test_each_way_to_say_it_is_a_reading_with_half_the_limit_and_the_code(sent: list[Item]) -> None:
    readings = [MODELS[Feed.WATER].model_validate_json(value) for value, _ in sent]
    assert [one.nh3n_mg_l for one in readings] == [0.0125] * 4 + [0.3]
    assert readings[4].tp_mg_l == 0.005
    assert all(QualityCode.BELOW_DETECTION in one.quality_codes for one in readings)


# GB 3838: ammonia 0.0125 and phosphorus 0.005 are class I; oxygen and the index decide
def test_the_rules_class_half_the_limit_as_a_value(sent: list[Item]) -> None:
    behind = (datetime(2024, 5, 9, tzinfo=UTC) - START) / timedelta(minutes=1)
    said = run(log_of([*sent, tick(behind, lane=LANE)]))
    classes = said.of("water.point_class")
    assert [one.value for one in classes] == [2] * 5
    assert [one.completeness for one in classes] == [1] * 5
    assert said.rule("sensor_fault") == []


# three points, one below detection: (0.0125 + 0.2 + 0.3) / 3
def test_it_enters_the_mean_of_a_lake_as_half_the_limit() -> None:
    codes = [QualityCode.BELOW_DETECTION.value]
    items = [
        reading(0, device="p1", nh3n_mg_l=0.0125, quality_codes=codes),
        reading(1, device="p2", nh3n_mg_l=0.2),
        reading(2, device="p3", nh3n_mg_l=0.3),
    ]
    means = run(log_of([*items, tick(10)])).of("water.class", "beihu")[-1].details["means"]
    assert isinstance(means, dict)
    assert means["nh3n_mg_l"] == pytest.approx(0.5125 / 3, abs=1e-12)
