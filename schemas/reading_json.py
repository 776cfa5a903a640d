"""Readings from JSON for those who judge them: several times as fast as pydantic alone, and with the same values.

What the contract says stands in the pydantic models, and only there. From each of them a msgspec form is derived that
accepts *less*: the plain forms in which nearly all readings come. What it does not accept is given to pydantic, which
accepts it or says what is wrong with it; so errors are pydantic's own, word for word.

What is read has the fields of the model, their values, and the methods that the contract adds (`doubts`, `key`). It
need not be an instance of the model: it cannot dump itself, and does not know which fields were set.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from types import FunctionType, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from pydantic.fields import FieldInfo

from schemas.envelope import Envelope
from schemas.fields import EARLIEST, LATEST, UtcTime

R = TypeVar("R", bound=Envelope)

_LIMITS: Final = ("gt", "ge", "lt", "le", "min_length", "max_length")
"""Constraints that have one name and meaning in pydantic and in msgspec."""

KNOWN_MAX: Final = 16_384
"""Identifiers that were found valid are remembered for so many devices: each says the same ones again."""

_TIME: Final = msgspec.json.Decoder(datetime)
_TIME_MAX: Final = len('"2026-07-01T12:00:00.123456Z"')
_TIME_OFFSET_MAX: Final = len('"2026-07-01T12:00:00.123456+00:00"')
"""Of a seventh decimal each reader makes something else: such a time is not plain."""


class _Form(NamedTuple):
    """How a field is read."""

    type: Any
    """As msgspec reads it."""
    pattern: str | None = None
    """What the text must match as a whole."""
    finish: Callable[[Any], Any] | None = None
    """What makes the field's value of it; raises ValueError where only pydantic can say whether it is valid."""


class ReadingJson(Generic[R]):
    """Reads the readings of one feed.

    Validators of the model itself are run by pydantic alone: they may only look at fields of which no other plain form
    is read than null.

    Raises:
        TypeError: a field that each reading must have is of a type that has no plain form.
    """

    def __init__(self, model: type[R]) -> None:
        self._model = model
        hints = get_type_hints(model, include_extras=True)
        forms = {name: _form(hints[name]) for name in model.model_fields}
        self._finish = [(name, form.finish) for name, form in forms.items() if form.finish is not None]
        patterns = {name: re.compile(form.pattern) for name, form in forms.items() if form.pattern is not None}
        head = [name for name in patterns if name in Envelope.model_fields]
        self._head_of = attrgetter(*head)
        self._head = tuple(patterns[name] for name in head)
        self._own = [(name, pattern.fullmatch) for name, pattern in patterns.items() if name not in head]
        self._known: set[tuple[str, ...]] = set()
        fields: list[Any] = [
            (name, forms[name].type) if info.is_required() else (name, forms[name].type, info.default)
            for name, info in model.model_fields.items()
        ]
        plain = msgspec.defstruct(
            f"Plain{model.__name__}",
            fields,
            namespace={**_methods(Envelope), **_methods(model)},
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(plain).decode

    def __call__(self, raw: bytes) -> R:
        """A reading from its JSON.

        Raises:
            pydantic.ValidationError: it is no reading of this feed.
        """
        try:
            plain: R = self._decode(raw)
            self._check(plain)
            for name, finish in self._finish:
                setattr(plain, name, finish(getattr(plain, name)))
        except (ValueError, RecursionError):
            return self._model.model_validate_json(raw)
        return plain

    def _check(self, plain: R) -> None:
        """Raise ValueError where a text does not match its pattern as a whole."""
        head = self._head_of(plain)
        if head not in self._known:
            self._remember(head)
        for name, matches in self._own:
            text = getattr(plain, name)
            if text is not None and matches(text) is None:
                raise ValueError(text)

    def _remember(self, head: tuple[str, ...]) -> None:
        for text, pattern in zip(head, self._head, strict=True):
            if pattern.fullmatch(text) is None:
                raise ValueError(text)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known.add(head)


def _methods(model: type[Envelope]) -> dict[str, Any]:
    """What the contract says in Python of a reading; not what pydantic has put there."""
    own = {name: found for name, found in vars(model).items() if not name.startswith("__")}
    return {name: found for name, found in own.items() if isinstance(found, FunctionType | property)}


def _form(hint: Any) -> _Form:
    """The plain form of a type of the contract.

    Raises:
        TypeError: it has none.
    """
    if hint == UtcTime:
        return _Form(msgspec.Raw, finish=_time)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional(arguments)
    if origin is Annotated:
        return _limited(arguments[0], arguments[1:])
    if origin is Literal:
        (value,) = arguments
        return _Form(Literal[value.value], finish=lambda _: value) if isinstance(value, Enum) else _Form(hint)
    if hint in (int, float, str) or origin is tuple or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _Form(hint)
    raise TypeError(f"{hint} has no plain form")


def _optional(arguments: tuple[Any, ...]) -> _Form:
    """What may be null; where a value would have to be finished, nothing but null is plain."""
    (hint,) = [argument for argument in arguments if argument is not NoneType]
    form = _form(hint)
    return _Form(None) if form.finish is not None else form._replace(type=form.type | None)


def _limited(hint: Any, given: tuple[Any, ...]) -> _Form:
    limits = [limit for info in given if isinstance(info, FieldInfo) for limit in info.metadata]

    def limit_of(name: str) -> Any:
        return next((found for limit in limits if (found := getattr(limit, name, None)) is not None), None)

    if hint is Decimal:
        return _amount(limit_of("max_digits"), limit_of("decimal_places"), limit_of("ge"), limit_of("le"))
    found = {name: value for name in _LIMITS if (value := limit_of(name)) is not None}
    return _Form(Annotated[hint, msgspec.Meta(**found)], limit_of("pattern"))


def _amount(digits: int, places: int, least: Decimal, most: Decimal) -> _Form:
    """A decimal number as text, with all its decimals."""
    plain = re.compile(rf"-?[0-9]{{1,{digits - places}}}\.[0-9]{{{places}}}")

    def amount(text: str) -> Decimal:
        value = Decimal(text) if plain.fullmatch(text) else most + 1
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return _Form(str, finish=amount)


def _time(raw: msgspec.Raw) -> datetime:
    text = bytes(raw)
    if len(text) > _TIME_MAX and not (len(text) <= _TIME_OFFSET_MAX and text.endswith(b'+00:00"')):
        raise ValueError(text)
    at: datetime = _TIME.decode(text)
    if at.tzinfo is not UTC or not EARLIEST <= at <= LATEST:
        raise ValueError(text)
    return at
