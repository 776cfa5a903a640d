"""Signatures by Standard Webhooks: the specification's own example, rotation, staleness, forgery."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_life.renderings.signature import SIGNATURE, TIMESTAMP, TOLERANCE, Verdict, signed, verified

NOW = datetime.fromtimestamp(1_614_265_330, UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_specification() -> None:
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, [SECRET], NOW)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_during_a_rotation_whoever_knows_either_secret_is_satisfied() -> None:
    headers = signed("e", BODY, [OTHER, SECRET], NOW)
    assert headers[SIGNATURE].count("v1,") == 2
    assert [verified(headers, BODY, [secret], NOW) for secret in (SECRET, OTHER)] == [Verdict.GOOD, Verdict.GOOD]


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(-900, 900))
def test_only_the_body_that_was_signed_passes_and_only_for_a_while(body: bytes, other: bytes, seconds: int) -> None:
    late = NOW + timedelta(seconds=seconds)
    found = verified(signed("e", body, [SECRET], NOW), other, [SECRET], late)
    if abs(seconds) > TOLERANCE.total_seconds():
        assert found is Verdict.STALE
    else:
        assert found is (Verdict.GOOD if body == other else Verdict.WRONG)


@pytest.mark.parametrize("name", ["webhook-id", TIMESTAMP, SIGNATURE])
def test_without_one_of_the_headers_nothing_is_verified(name: str) -> None:
    headers = signed("e", BODY, [SECRET], NOW)
    assert verified(headers | {name: ""}, BODY, [SECRET], NOW) is Verdict.INCOMPLETE


@pytest.mark.parametrize("timestamp", ["-1", "1e9", "９", "1" * 13, "x"])
def test_a_timestamp_that_is_none_is_no_stale_one(timestamp: str) -> None:
    headers = signed("e", BODY, [SECRET], NOW) | {TIMESTAMP: timestamp}
    assert verified(headers, BODY, [SECRET], NOW) is Verdict.INCOMPLETE


def test_signatures_of_other_versions_are_passed_over() -> None:
    headers = signed("e", BODY, [SECRET], NOW)
    assert verified(headers | {SIGNATURE: "v1a,abc " + headers[SIGNATURE]}, BODY, [SECRET], NOW) is Verdict.GOOD
    assert verified(headers | {SIGNATURE: "v1a,abc 武"}, BODY, [SECRET], NOW) is Verdict.WRONG


@pytest.mark.parametrize("secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"])
def test_a_secret_of_another_form_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        signed("e", BODY, [secret], NOW)
