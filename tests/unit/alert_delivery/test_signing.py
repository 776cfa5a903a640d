"""A receiver with the public library accepts what is signed, during a rotation with either secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from schemas.subscription import SigningSecret
from services.alert_delivery.signing import MAX_SECRETS, is_in_use, rotated, signature_headers
from tests.unit.alert_delivery.made import OTHER_SECRET, SECRET, START, alert, seconds

BODY = '{"停车": 1}'.encode()
OLD = (SigningSecret(secret=SecretStr(SECRET), added_at=START),)
DAY = timedelta(days=1)


def accepted(secret: str, headers: dict[str, str], body: bytes = BODY) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_the_public_library_accepts_the_signature_and_no_other_body_or_secret() -> None:
    headers = signature_headers(alert().event_id, BODY, OLD, datetime.now(UTC))
    assert headers["webhook-id"] == alert().event_id
    assert accepted(SECRET, headers)
    assert not accepted(OTHER_SECRET, headers)
    assert not accepted(SECRET, headers, BODY + b" ")
    assert not accepted(SECRET, headers | {"webhook-id": "another"})


def test_an_old_signature_is_worth_nothing() -> None:
    assert not accepted(SECRET, signature_headers("id", BODY, OLD, datetime.now(UTC) - timedelta(minutes=6)))


def test_during_a_rotation_both_secrets_sign_and_afterwards_the_new_one_alone() -> None:
    now = datetime.now(UTC)
    both = rotated(OLD, SecretStr(OTHER_SECRET), now - DAY / 2, DAY)
    headers = signature_headers("id", BODY, both, now)
    assert headers["webhook-signature"].count("v1,") == 2
    assert accepted(SECRET, headers)
    assert accepted(OTHER_SECRET, headers)
    alone = signature_headers("id", BODY, rotated(OLD, SecretStr(OTHER_SECRET), now - DAY, DAY), now)
    assert not accepted(SECRET, alone)
    assert accepted(OTHER_SECRET, alone)


def test_rotations_do_not_pile_up_secrets_and_do_not_lengthen_the_life_of_old_ones() -> None:
    secrets = OLD
    for day in range(10):
        secrets = rotated(secrets, SecretStr(OTHER_SECRET), seconds(3600 * day), DAY)
        assert len(secrets) <= MAX_SECRETS
        assert secrets[0].until is None
    assert [each.until for each in secrets[1:]] == [seconds(3600 * day) + DAY for day in (9, 8, 7)]
    assert [each for each in secrets if is_in_use(each, seconds(3600 * 9) + DAY)] == [secrets[0]]


def test_a_rotation_at_once_ends_the_old_secret() -> None:
    secrets = rotated(OLD, SecretStr(OTHER_SECRET), START, timedelta())
    assert [is_in_use(each, START) for each in secrets] == [True, False]


@pytest.mark.parametrize("count", [1, 2])
def test_no_secret_is_printed_by_accident(count: int) -> None:
    assert SECRET not in repr(rotated(OLD, SecretStr(OTHER_SECRET), START, DAY)[:count])
