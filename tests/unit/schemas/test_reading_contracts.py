"""What a reading may and may not be, per feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.emergency import EmergencyReading, Step
from schemas.ev import STATES, ConnectorState, EvContext, EvReading, StatusVocabulary, states_for
from schemas.fields import EARLIEST, LATEST, Feed, QualityCode, ReckonedTime, UtcTime
from schemas.parking import ParkingReading
from schemas.readings import ANY_READING, MODELS
from schemas.tax import TaxEntry, TaxKind, TaxReading
from schemas.water import WaterReading

HEAD: dict[str, Any] = {
    "device_id": "d-1",
    "group_id": "g-1",
    "boot_id": "b-1",
    "seq": 0,
    "observed_at": datetime(2026, 3, 1, 8, tzinfo=UTC),
}
CALL = datetime(2026, 3, 1, 8, tzinfo=UTC)


def head_json(**changes: Any) -> bytes:
    fields = HEAD | {"observed_at": "2026-03-01T08:00:00Z", "feed": "water", "water_body": "lake"} | changes
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    ("change", "field", "kind"),
    [
        ({"observed_at": "2026-03-01T08:00:00"}, "observed_at", "timezone_aware"),
        ({"observed_at": "2026-03-01T16:00:00+08:00"}, "observed_at", "timezone_offset"),
        ({"observed_at": 1_772_352_000}, "observed_at", "time_form"),
        ({"observed_at": "1772352000"}, "observed_at", "time_form"),
        ({"observed_at": "1772352000.000000000000"}, "observed_at", "time_form"),
        ({"observed_at": None}, "observed_at", "time_form"),
        ({"observed_at": "9999-12-31T23:59:59Z"}, "observed_at", "less_than_equal"),
        ({"observed_at": "1999-12-31T23:59:59Z"}, "observed_at", "greater_than_equal"),
        ({"algae_cells_l": 1.1e12}, "algae_cells_l", "less_than_equal"),
        ({"station_name": "a\0"}, "station_name", "string_pattern_mismatch"),
        ({"station_name": "a\n"}, "station_name", "string_pattern_mismatch"),
        ({"station_name": "\x85"}, "station_name", "string_pattern_mismatch"),
        ({"observed_at": "0014-11-18T15:40:26Z"}, "observed_at", "greater_than_equal"),
        ({"observed_at": "*"}, "observed_at", "time_form"),
        ({"seq": -1}, "seq", "greater_than_equal"),
        ({"seq": "7"}, "seq", "int_type"),
        ({"seq": True}, "seq", "int_type"),
        ({"seq": 2**53}, "seq", "less_than_equal"),
        ({"ph": "7.2"}, "ph", "float_type"),
        ({"ph": 14.01}, "ph", "less_than_equal"),
        ({"device_id": "a/b"}, "device_id", "string_pattern_mismatch"),
        ({"device_id": "x" * 65}, "device_id", "string_too_long"),
        ({"lane": "replay:"}, "lane", "string_pattern_mismatch"),
        ({"colour": "green"}, "colour", "extra_forbidden"),
        ({"schema_version": 2}, "schema_version", "literal_error"),
        ({"water_body": ...}, "water_body", "missing"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WaterReading.model_validate_json(head_json(**change))
    assert [(e["loc"][0], e["type"]) for e in caught.value.errors()] == [(field, kind)]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_number_that_is_none_is_refused(number: bytes) -> None:
    raw = head_json().replace(b"}", b', "ph": ' + number + b"}")
    with pytest.raises(ValidationError):
        WaterReading.model_validate_json(raw)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_a_validation_error(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        ANY_READING.validate_json(raw)


def test_every_feed_has_a_model_that_bears_its_name() -> None:
    assert set(MODELS) == set(Feed)
    for feed, model in MODELS.items():
        assert model.model_json_schema()["properties"]["feed"]["const"] == feed


def test_a_reading_survives_its_own_json() -> None:
    reading = WaterReading.model_validate_json(head_json(ph=7.5, tp_mg_l=0.05))
    assert ANY_READING.validate_json(reading.model_dump_json()) == reading


@pytest.mark.parametrize(
    ("free", "doubts"),
    [
        (-1, (QualityCode.FREE_NEGATIVE,)),
        (0, ()),
        (100, ()),
        (101, (QualityCode.FREE_ABOVE_CAPACITY,)),
    ],
)
def test_a_car_park_with_an_impossible_count_is_kept_and_named(free: int, doubts: tuple[QualityCode, ...]) -> None:
    reading = ParkingReading(feed=Feed.PARKING, total_spaces=100, free_spaces=free, **HEAD)
    assert reading.doubts() == doubts


def test_doubts_of_the_sender_and_our_own_are_joined_once_each() -> None:
    reading = ParkingReading(
        feed=Feed.PARKING,
        total_spaces=10,
        free_spaces=-3,
        quality_codes=(QualityCode.ZONE_ASSUMED, QualityCode.FREE_NEGATIVE),
        **HEAD,
    )
    assert reading.all_doubts() == (QualityCode.ZONE_ASSUMED, QualityCode.FREE_NEGATIVE)


def _steps(**minutes: float) -> EmergencyReading:
    times = {f"{step}_at": CALL + timedelta(minutes=m) for step, m in minutes.items()}
    return EmergencyReading(feed=Feed.EMERGENCY, incident_id="i-1", **HEAD, **times)


def test_steps_in_their_order_raise_no_doubt() -> None:
    assert _steps(call_received=0, dispatched=1, on_scene=9, available=60).doubts() == ()


def test_steps_at_the_same_second_raise_no_doubt() -> None:
    assert _steps(dispatched=1, responding=1).doubts() == ()


def test_on_scene_before_dispatch_is_named() -> None:
    assert _steps(call_received=0, dispatched=5, on_scene=4).doubts() == (QualityCode.STEPS_OUT_OF_ORDER,)


DAYS = 24 * 60


@pytest.mark.parametrize("minutes", [-31 * DAYS, 0, 1 * DAYS])
def test_a_step_may_lie_a_month_before_its_reading_and_a_day_after_it(minutes: float) -> None:
    assert _steps(call_received=minutes).call_received_at == CALL + timedelta(minutes=minutes)


@pytest.mark.parametrize("step", sorted(Step))
@pytest.mark.parametrize("minutes", [-31 * DAYS - 1, DAYS + 1, (2_090 - 2026) * 365 * DAYS])
def test_a_step_far_from_its_reading_is_refused_by_name(step: Step, minutes: float) -> None:
    with pytest.raises(ValidationError, match=f"{step}_at lies more than 31 days before observed_at, or more than a"):
        _steps(**{str(step): minutes})


@pytest.mark.parametrize(
    ("entry", "amount", "doubtful"),
    [("payment", "10.00", False), ("payment", "-0.01", True), ("refund", "-3.50", False), ("refund", "0.00", True),
     ("correction", "-7.00", False), ("correction", "7.00", False)],
)  # fmt: skip
def test_the_sign_of_an_amount_follows_its_entry(entry: str, amount: str, doubtful: bool) -> None:
    reading = TaxReading(
        feed=Feed.TAX,
        building_id="b-7",
        receipt_id="r-1",
        entry=TaxEntry(entry),
        tax_kind=TaxKind.OTHER,
        tax_period="2026-02",
        amount_cny=Decimal(amount),
        **HEAD,
    )
    assert reading.doubts() == ((QualityCode.WRONG_SIGN,) if doubtful else ())


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        (StatusVocabulary.OCPP_1_6, 9),
        (StatusVocabulary.OCPP_2_0_1, 5),
        (StatusVocabulary.OCPI_2_2_1, 9),
        (StatusVocabulary.TCEC_102, 6),
    ],
)
def test_every_word_of_a_vocabulary_has_a_state(vocabulary: StatusVocabulary, words: int) -> None:
    assert len(STATES[vocabulary]) == words


def test_occupied_may_be_charging_or_not() -> None:
    assert states_for(StatusVocabulary.OCPP_2_0_1, "Occupied") == {ConnectorState.PLUGGED, ConnectorState.CHARGING}


def test_a_word_that_contradicts_the_state_is_named() -> None:
    reading = EvReading(
        feed=Feed.EV,
        context=EvContext.STATUS,
        status=ConnectorState.IDLE,
        status_vocabulary=StatusVocabulary.TCEC_102,
        status_word="255",
        **HEAD,
    )
    assert reading.doubts() == (QualityCode.STATUS_MISMATCH,)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_every_number_has_bounds_that_sums_can_bear(model: Any) -> None:
    """A million readings of the largest value still add up to less than 2^63."""
    for name, kind in kinds_of(model, "number", "integer"):
        lowest = kind.get("minimum", kind.get("exclusiveMinimum"))
        assert lowest is not None, name
        if name != "seq":  # never added up
            assert max(-lowest, kind["maximum"]) * 1_000_000 < 2**63, name


@pytest.mark.parametrize("model", [m for m in MODELS.values() if m is not EmergencyReading], ids=lambda m: m.__name__)
def test_no_text_of_a_contract_takes_a_control_character(model: Any) -> None:
    numbers = dict(kinds_of(model, "number"))  # a number may come as text
    for name, kind in kinds_of(model, "string"):
        assert name in numbers or kind.get("pattern") or kind.get("format") == "date-time", name


def kinds_of(model: Any, *types: str) -> list[tuple[str, dict[str, Any]]]:
    """The fields of a contract that may be of such a JSON type, and what is said of it; constants left out."""
    fields = model.model_json_schema()["properties"].items()
    every = [(name, kind) for name, field in fields for kind in (field, *field.get("anyOf", ()))]
    return [(name, kind) for name, kind in every if kind.get("type") in types and "const" not in kind]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"tax_period": "0000-01"}, "string_pattern_mismatch"),
        ({"tax_period": "9999-12"}, "string_pattern_mismatch"),
        ({"tax_period": "1999-12"}, "string_pattern_mismatch"),
        ({"tax_period": "٢٠٢٦-01"}, "string_pattern_mismatch"),
        ({"tax_period": "2026-13"}, "string_pattern_mismatch"),
        ({"amount_cny": "100000000000.01"}, "less_than_equal"),
        ({"amount_cny": "-100000000000.01"}, "greater_than_equal"),
        ({"amount_cny": "1E+20"}, "decimal_max_digits"),
        ({"amount_cny": "0.001"}, "decimal_max_places"),
        ({"amount_cny": "NaN"}, "finite_number"),
        ({"amount_cny": "1E+100000"}, "decimal_max_digits"),
    ],
)
def test_an_absurd_tax_entry_is_refused(change: dict[str, str], kind: str) -> None:
    entry = {
        "feed": "tax",
        "water_body": ...,
        "building_id": "b-7",
        "receipt_id": "r-1",
        "entry": "payment",
        "tax_kind": "other",
        "tax_period": "2026-02",
        "amount_cny": "100000000000.00",
    }
    assert TaxReading.model_validate_json(head_json(**entry)).amount_cny == 10**11
    with pytest.raises(ValidationError) as caught:
        TaxReading.model_validate_json(head_json(**entry | change))
    assert kind in {error["type"] for error in caught.value.errors()}


def test_what_is_reckoned_from_the_first_and_last_reading_is_still_a_time_of_the_contract() -> None:
    """The month of the first moment begins the year before; a deadline after the last lies in the next century."""
    reckoned = TypeAdapter(ReckonedTime)
    for at in (EARLIEST - timedelta(hours=8), EARLIEST - timedelta(days=366), LATEST + timedelta(days=366)):
        assert reckoned.validate_json(reckoned.dump_json(at)) == reckoned.validate_python(at) == at
        with pytest.raises(ValidationError):
            TypeAdapter(UtcTime).validate_python(at)


@pytest.mark.parametrize("step", sorted(Step))
def test_a_step_in_a_year_that_no_reckoning_bears_is_refused_by_name(step: Step) -> None:
    with pytest.raises(ValidationError, match=f"{step}_at"):
        _steps(**{step.value: (9_999 - 2026) * 365 * DAYS})
