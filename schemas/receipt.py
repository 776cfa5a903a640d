"""The receipt that the bridge gives a device: up to where its readings are safe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from schemas.envelope import MAX_SEQ
from schemas.fields import CONTRACT, Identifier


class Receipt(BaseModel):
    """Everything of this boot up to and including `seq` is in Kafka or in the dead letters, or below the device's base.

    A device that stores and forwards sends again what lies beyond it after a reconnect, or when the receipt has
    not moved for a while though readings are outstanding. The repeat is harmless.
    """

    model_config = CONTRACT

    boot_id: Identifier
    seq: Annotated[int, Field(ge=0, le=MAX_SEQ)] | None
    """Null as long as reading 0 is missing. A device that no longer has it says its base (`schemas.mqtt`) or begins a
    new boot."""
