"""Questions to the database, with the answers of trouble that the API gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from services.operations_api.errors import NotNow, NotUsable
from services.read_model.errors import QueryTooLong, ReadModelError, RequestRefused

_LATER: Final = {"Retry-After": "5"}


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn trouble with the database into a problem.

    Args:
        what: What cannot be had without it, in words: `The history of alerts`.

    Raises:
        NotUsable: an argument is refused; the sentence names it.
        NotNow: the database does not answer, or not in time.
    """
    try:
        yield
    except RequestRefused as error:
        raise NotUsable(f"`{error.parameter}`: {error}") from error
    except QueryTooLong as error:
        raise NotNow(
            f"{what} takes the database too long now: ask for less, or again later.", headers=_LATER
        ) from error
    except ReadModelError as error:
        raise NotNow(f"{what} comes from the database, which does not answer: come again.", headers=_LATER) from error
