"""The files that say what to deliver: the register of subscribers, and beside it the requests to deliver again.

The operator's command line writes them, and so does the service when a subscriber has answered 410. Whoever changes one
holds the folder's lock; each is replaced whole, and stays its folder's owner's, so that root may write what an
unprivileged service reads.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from schemas.redelivery import RedeliveryRegister
from schemas.subscription import SubscriptionRegister, SubscriptionState
from services.alert_delivery.errors import RegisterUnreadable
from services.runtime.replaced_file import ReplacedFile

M = TypeVar("M", bound=BaseModel)
REDELIVERIES: Final = "redeliveries.json"
MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


class BookFile(Generic[M]):
    """One file; empty as long as there is none."""

    def __init__(self, file: Path, model: type[M]) -> None:
        self.file = file
        self._model = model
        self._met = ReplacedFile(file)

    def read(self) -> M:
        """Read it.

        Raises:
            RegisterUnreadable: it is damaged, or may not be read.
        """
        self._met.meet()
        try:
            return self._model.model_validate_json(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return self._model()
        except (OSError, ValidationError) as error:
            if isinstance(error, OSError):
                self._met.forget()  # it is the same file when it may be read
            first = str(error).splitlines()[0]
            raise RegisterUnreadable(
                f"{self.file} cannot be read ({first}); put it back from a backup, or give it to the service's user"
            ) from error

    def has_changed(self) -> bool:
        """Whether the file is another one than `read` has met last."""
        return self._met.has_changed()

    def change(self, step: Callable[[M], M]) -> M:
        """Replace what is in it, while nobody else does.

        Raises:
            RegisterUnreadable: it is damaged, or may not be read or written.
        """
        with self._locked():
            changed = step(self.read())
            try:
                _replace(self.file, json.dumps(_plain(changed.model_dump(mode="python")), indent=1, ensure_ascii=False))
            except OSError as error:
                raise RegisterUnreadable(f"{self.file} cannot be written ({error})") from error
        return changed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self.file.parent
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise RegisterUnreadable(f"{folder} cannot be used ({error})") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _unfinished(path: Path) -> Iterator[int]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        yield descriptor
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    with _unfinished(part) as descriptor:
        owner = file.parent.stat()
        if os.geteuid() == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.write(descriptor, text.encode())
    part.replace(file)


def _plain(value: Any) -> Any:
    """As JSON has it, secrets in full: this is the one place where they are kept."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case str() | int() | float() | None:
            return value
        case _:
            return value.isoformat().replace("+00:00", "Z")


def subscribers(file: Path) -> BookFile[SubscriptionRegister]:
    """The register of subscribers."""
    return BookFile(file, SubscriptionRegister)


def redeliveries(subscribers_file: Path) -> BookFile[RedeliveryRegister]:
    """The requests to deliver again, beside the register of subscribers."""
    return BookFile(subscribers_file.with_name(REDELIVERIES), RedeliveryRegister)


def with_state(
    register: SubscriptionRegister, subscription_id: str, state: SubscriptionState, reason: str
) -> SubscriptionRegister:
    """The register after a subscription has begun, paused or ended; one that is not there changes nothing."""
    changed = tuple(
        each.model_copy(update={"state": state, "state_reason": reason}) if each.id == subscription_id else each
        for each in register.subscriptions
    )
    return SubscriptionRegister.model_validate(register.model_copy(update={"subscriptions": changed}))
