"""The register of API keys on disk: hashes, never a key. Whoever changes it holds the folder's lock.

The file is replaced whole, so the API, which looks at it every second, never sees half of one.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from deploy.local.errors import KeysUnchanged, KeysUnreadable
from deploy.local.files import locked_folder, write_private
from schemas.api_key import MAX_KEYS, ApiKey, ApiKeyRegister, Role

KEYS: Final = "keys"
"""Its folder in a state folder."""
KEYS_FILE: Final = "api-keys.json"
READABLE: Final = 0o644
KEY_BYTES: Final = 32
LOCAL_OPERATOR: Final = "operator"
"""Whose sessions `district map login` begins unless it is told otherwise. Nobody knows a key of this id."""


class KeyBook:
    """The register of one folder.

    Args:
        file: What `API_KEYS_FILE` names.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def register(self) -> ApiKeyRegister:
        """Read it; an empty one when there is none yet.

        Raises:
            KeysUnreadable: it is damaged.
        """
        try:
            return ApiKeyRegister.model_validate_json(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ApiKeyRegister()
        except (OSError, ValidationError) as error:
            raise KeysUnreadable(f"{self.file}: {str(error).splitlines()[0]}") from error

    def begin(self, now: datetime) -> None:
        """Have a register from now on, with the operator of this machine in it.

        Raises:
            KeysUnreadable: it is damaged.
        """

        def with_operator(known: ApiKeyRegister) -> ApiKeyRegister:
            if known.get(LOCAL_OPERATOR) is not None:
                return known
            entry = ApiKey(
                id=LOCAL_OPERATOR,
                name="Operator",
                role=Role.OPERATOR,
                sha256=_digest(secrets.token_urlsafe(KEY_BYTES)),
                added_at=now,
            )
            return ApiKeyRegister(keys=(*known.keys, entry))

        self._change(with_operator)

    def add(self, key_id: str, name: str, role: Role, now: datetime, *, expires_at: datetime | None = None) -> str:
        """Make a key; return it, which nobody can read again.

        Raises:
            KeysUnchanged: the id is used, or wrong, or there are too many keys.
            KeysUnreadable: the register is damaged.
        """
        key = f"{key_id}.{secrets.token_urlsafe(KEY_BYTES)}"

        def with_key(known: ApiKeyRegister) -> ApiKeyRegister:
            if known.get(key_id) is not None:
                raise KeysUnchanged(
                    f"there is a key {key_id} already; an id is used once, so that the audit stays clear."
                )
            if len(known.keys) >= MAX_KEYS:
                raise KeysUnchanged(f"there are {MAX_KEYS} keys, revoked ones included; no more are taken.")
            try:
                entry = ApiKey(
                    id=key_id, name=name, role=role, sha256=_digest(key), added_at=now, expires_at=expires_at
                )
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                raise KeysUnchanged(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
            return ApiKeyRegister(keys=(*known.keys, entry))

        self._change(with_key)
        return key

    def renew(self, key_id: str, name: str, role: Role, now: datetime) -> str:
        """Make a key, or another one for its holder: the one before counts no more. Return it.

        Raises:
            KeysUnchanged: the key is revoked or has another role, or there are too many keys.
            KeysUnreadable: the register is damaged.
        """
        known = self.register().get(key_id)
        if known is None:
            return self.add(key_id, name, role, now)
        key = f"{key_id}.{secrets.token_urlsafe(KEY_BYTES)}"

        def with_other(register: ApiKeyRegister) -> ApiKeyRegister:
            entry = register.get(key_id)
            if entry is None or entry.revoked_at is not None or entry.role is not role:
                raise KeysUnchanged(f"the key {key_id} is revoked or no {role}'s; it stays as it is.")
            other = entry.model_copy(update={"sha256": _digest(key)})
            return ApiKeyRegister(keys=tuple(other if each.id == key_id else each for each in register.keys))

        self._change(with_other)
        return key

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        """Take a key's right; again does no harm.

        Raises:
            KeysUnchanged: there is none of this id.
            KeysUnreadable: the register is damaged.
        """

        def without_key(known: ApiKeyRegister) -> ApiKeyRegister:
            entry = known.get(key_id)
            if entry is None:
                raise KeysUnchanged(f"there is no key {key_id}; `district keys list` shows those there are.")
            revoked = entry if entry.revoked_at is not None else entry.model_copy(update={"revoked_at": now})
            return ApiKeyRegister(keys=tuple(revoked if each.id == key_id else each for each in known.keys))

        changed = self._change(without_key).get(key_id)
        if changed is None:
            raise KeysUnchanged(f"there is no key {key_id}.")
        return changed

    def _change(self, change: Callable[[ApiKeyRegister], ApiKeyRegister]) -> ApiKeyRegister:
        with locked_folder(self.file.parent):
            register = change(self.register())
            write_private(self.file, register.model_dump_json(indent=1), mode=READABLE)
        return register


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
