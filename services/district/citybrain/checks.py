"""What is sent in which way, and what must come of it: the list of checks. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from schemas.alert import Alert, AlertEventType, Severity
from schemas.alert_action import AlertAction
from schemas.subscription import Rendering
from services.alert_life.renderings import cap, cloudevents
from services.district.citybrain.rules import Rule
from services.district.citybrain.samples import Samples

PUBLISHER: Final = cap.Publisher("https://conformance-check.invalid")
TOGETHER: Final = 20


class Signing(StrEnum):
    """How a request is signed."""

    GOOD = "good"
    ROTATED = "rotated"
    """By a secret that nobody knows, and by the right one."""
    FORGED = "forged"
    """By a secret that nobody knows."""
    ALTERED = "altered"
    """By the right one, of another body."""
    UNSIGNED = "unsigned"
    STALE = "stale"
    """Rightly, an hour ago."""
    AHEAD = "ahead"
    """Rightly, an hour ahead of the clock."""


class Expected(StrEnum):
    """What must be answered."""

    TAKEN = "taken"
    """2xx."""
    REFUSED = "refused"
    """4xx but 408, 410, 425 and 429."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; the signature is made when it is sent."""

    event_id: str
    headers: Mapping[str, str]
    body: bytes
    signing: Signing = Signing.GOOD


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is found out."""

    name: str
    rule: Rule
    requests: tuple[Request, ...]
    fix: str
    """What the integrator must do when it fails."""
    expected: Expected = Expected.TAKEN
    together: bool = False
    """Whether the requests are sent at once; else one after the other."""
    alert_id: str | None = None
    """The alert that is asked for at the read-back address afterwards."""
    books: Mapping[str, Any] = field(default_factory=dict)
    """What must be said of it there; empty: that it is not known."""


Form = Callable[[Alert | AlertAction], Request]


def form_of(rendering: Rendering) -> Form:
    """How events are put into requests."""

    def request(event: Alert | AlertAction) -> Request:
        event_id = cloudevents.event_id(event)
        match rendering:
            case Rendering.CLOUDEVENTS:
                return Request(event_id, {"content-type": cloudevents.STRUCTURED_TYPE}, cloudevents.structured(event))
            case Rendering.CLOUDEVENTS_BINARY:
                return Request(event_id, *cloudevents.binary(event))
            case Rendering.CAP:
                return Request(event_id, {"content-type": cap.CONTENT_TYPE}, cap.message(event, PUBLISHER))

    return request


def checks(samples: Samples, rendering: Rendering = Rendering.CLOUDEVENTS) -> list[Check]:
    """Every check of a run, in the order in which they are made."""
    form = form_of(rendering)
    found = [_good(samples, form), *_orders(samples, form), *_meanings(samples, form), *_forgeries(samples, form)]
    found += [_rotation(samples, form), _large(samples, form), _hostile(samples, form), _together(samples, form)]
    if rendering is not Rendering.CAP:
        found += _unknowns(samples, form, rendering)
    return found


def _good(samples: Samples, form: Form) -> Check:
    return Check(
        name="good",
        rule=Rule.ANSWER,
        requests=(form(samples.alert("good")),),
        fix="Answer 2xx (200, 201, 202 or 204) to a good event, within the time that the subscription allows.",
        alert_id=samples.alert_id("good"),
        books={"revision": 0, "standing": "open"},
    )


def _orders(samples: Samples, form: Form) -> list[Check]:
    first, second = samples.alert("order"), samples.alert("order", 1, AlertEventType.UPDATED, severity=Severity.RED)
    again = form(samples.alert("repeated"))
    return [
        Check(
            name="repeated",
            rule=Rule.REPEATS,
            requests=(again, again, again),
            fix="Answer 2xx to an event that you have already, and count it once; a repeat is no error.",
            alert_id=samples.alert_id("repeated"),
            books={"revision": 0, "standing": "open"},
        ),
        Check(
            name="out-of-order",
            rule=Rule.ORDER,
            requests=(form(second), form(samples.resolved("order", 3)), form(first)),
            fix="Let the highest revision of an alert stand, and answer 2xx to one that arrives behind it.",
            alert_id=samples.alert_id("order"),
            books={"revision": 3, "standing": "resolved"},
        ),
        Check(
            name="late",
            rule=Rule.LATE,
            requests=(form(samples.alert("late", ago=timedelta(days=2))),),
            fix="Take an event whose event time is days ago: only the age of the request's signature is limited.",
            alert_id=samples.alert_id("late"),
            books={"revision": 0, "standing": "open"},
        ),
    ]


def _meanings(samples: Samples, form: Form) -> list[Check]:
    drill = replace(samples, live=False)
    amended = samples.alert("amended", 1, AlertEventType.AMENDED, severity=Severity.ORANGE)
    return [
        Check(
            name="amended",
            rule=Rule.ORDER,
            requests=(form(samples.alert("amended")), form(amended)),
            fix="Replace what you knew of an alert by an amended revision of it: late data corrected the record.",
            alert_id=samples.alert_id("amended"),
            books={"revision": 1, "severity": "II", "standing": "open"},
        ),
        Check(
            name="retracted",
            rule=Rule.ORDER,
            requests=(
                form(samples.alert("retracted")),
                form(samples.alert("retracted", 1, AlertEventType.RETRACTED)),
            ),
            fix="Withdraw an alert that is retracted: there was nothing. It is not the same as resolved.",
            alert_id=samples.alert_id("retracted"),
            books={"revision": 1, "standing": "retracted"},
        ),
        Check(
            name="acknowledged",
            rule=Rule.ACTIONS,
            requests=(form(samples.alert("acknowledged")), form(samples.acknowledgement("acknowledged"))),
            fix="Take what people did (dataschema urn:jianghan:schemas:alert-action) as such: it is no revision.",
            alert_id=samples.alert_id("acknowledged"),
            books={"revision": 0, "standing": "open", "acknowledged": True},
        ),
        Check(
            name="exercise",
            rule=Rule.EXERCISES,
            requests=(form(drill.alert("exercise")),),
            fix="Answer 2xx to an exercise, and keep it apart from the real thing wherever it is shown or counted.",
            alert_id=drill.alert_id("exercise"),
            books={"exercise": True},
        ),
    ]


def _forgeries(samples: Samples, form: Form) -> list[Check]:
    known = "Refuse it with 401 before you look at anything else of it; it must not be in your books."
    fixes = {
        Signing.FORGED: f"The signature is of a secret that you do not know. {known}",
        Signing.ALTERED: f"The body is not the one that was signed: somebody changed it on the way. {known}",
        Signing.UNSIGNED: f"There is no signature at all. {known}",
        Signing.STALE: f"webhook-timestamp is an hour old: somebody may be repeating what they overheard. {known}",
        Signing.AHEAD: f"webhook-timestamp is an hour ahead of the clock. {known}",
    }
    return [
        Check(
            name=f"signature-{signing}",
            rule=Rule.VERIFY,
            requests=(replace(form(samples.alert(signing)), signing=signing),),
            fix=fix,
            expected=Expected.REFUSED,
            alert_id=samples.alert_id(signing),
        )
        for signing, fix in fixes.items()
    ]


def _rotation(samples: Samples, form: Form) -> Check:
    return Check(
        name="signature-rotated",
        rule=Rule.VERIFY,
        requests=(replace(form(samples.alert("rotated")), signing=Signing.ROTATED),),
        fix="Look at each signature in webhook-signature: during a rotation there are several, and one fits.",
        alert_id=samples.alert_id("rotated"),
        books={"revision": 0},
    )


def _large(samples: Samples, form: Form) -> Check:
    return Check(
        name="large",
        rule=Rule.SIZE,
        requests=(form(samples.large("large")),),
        fix="Take bodies of at least 256 KiB: an alert carries its evidence.",
        alert_id=samples.alert_id("large"),
        books={"revision": 0},
    )


def _hostile(samples: Samples, form: Form) -> Check:
    return Check(
        name="hostile-text",
        rule=Rule.SIZE,
        requests=(form(samples.hostile("hostile")),),
        fix="Take any text, characters beyond 16 bits among them, and escape it wherever you show it.",
        alert_id=samples.alert_id("hostile"),
        books={"revision": 0},
    )


def _together(samples: Samples, form: Form) -> Check:
    return Check(
        name="together",
        rule=Rule.TOGETHER,
        requests=tuple(form(samples.alert(f"together-{number}")) for number in range(TOGETHER)),
        fix=f"Answer {TOGETHER} requests at once: events of different assets do not wait for one another.",
        together=True,
        alert_id=samples.alert_id(f"together-{TOGETHER - 1}"),
        books={"revision": 0},
    )


def _unknowns(samples: Samples, form: Form, rendering: Rendering) -> list[Check]:
    structured = rendering is Rendering.CLOUDEVENTS
    attributes = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "futureattribute": "1"}
    fields, of_type = form(samples.alert("fields")), form(samples.alert("type"))
    kind = "cn.jianghan.district.alert.foreseen"
    return [
        Check(
            name="unknown-extension",
            rule=Rule.UNKNOWN,
            requests=(_with_attributes(form(samples.alert("extension")), attributes, structured=structured),),
            fix="Pass over CloudEvents attributes that you do not know; later versions of the platform have more.",
            alert_id=samples.alert_id("extension"),
            books={"revision": 0},
        ),
        Check(
            name="unknown-field",
            rule=Rule.UNKNOWN,
            requests=(_with_field(fields, "forecast", {"probability": 0.5}, structured=structured),),
            fix="Pass over fields of the data that you do not know; later versions of the platform have more.",
            alert_id=samples.alert_id("fields"),
            books={"revision": 0},
        ),
        Check(
            name="unknown-type",
            rule=Rule.UNKNOWN,
            requests=(_with_attributes(of_type, {"type": kind}, structured=structured),),
            fix="Answer 2xx to an event whose type you do not know, and go on.",
        ),
    ]


def _with_attributes(request: Request, more: Mapping[str, str], *, structured: bool) -> Request:
    if not structured:
        return replace(request, headers={**request.headers, **{f"ce-{name}": value for name, value in more.items()}})
    return replace(request, body=json.dumps(json.loads(request.body) | dict(more), ensure_ascii=False).encode())


def _with_field(request: Request, name: str, value: Any, *, structured: bool) -> Request:
    document = json.loads(request.body)
    (document["data"] if structured else document)[name] = value
    return replace(request, body=json.dumps(document, ensure_ascii=False).encode())
