"""One-time tokens that were used, in a file, so that a restart makes none of them usable again."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

log = structlog.stdlib.get_logger()
FILE_NAME: Final = "used-login-tokens.json"


class UsedTokens:
    """Tokens that were used and have not ended yet.

    Args:
        folder: Where they are kept; None: in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = None if folder is None else folder / FILE_NAME
        self._until = self._read()

    def use(self, nonce: str, until: datetime, now: datetime) -> bool:
        """Use a token; false when it was used before, or when that it is used now cannot be written down."""
        if nonce in self._until:
            return False
        ends = until.timestamp()
        kept = {each: end for each, end in self._until.items() if end > now.timestamp()} | {nonce: ends}
        if not self._write(kept):
            return False
        self._until = kept
        return True

    def _read(self) -> dict[str, float]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            return {str(nonce): float(end) for nonce, end in json.loads(self._file.read_text(encoding="utf-8")).items()}
        except (OSError, ValueError, AttributeError) as error:
            log.warning(
                "the list of used login tokens cannot be read; it begins anew",
                action="read_used_tokens",
                file=str(self._file),
                error=str(error),
            )
            return {}

    def _write(self, kept: dict[str, float]) -> bool:
        if self._file is None:
            return True
        try:
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(kept), encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            log.warning(
                "a login token cannot be marked as used, so it is refused", action="use_token", error=str(error)
            )
            return False
        return True
