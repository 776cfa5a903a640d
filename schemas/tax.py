"""Readings of building tax: one entry of the tax authority's ledger for one building."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.envelope import Envelope
from schemas.fields import Feed, Identifier, QualityCode, Text

MAX_AMOUNT_CNY: Final = Decimal(100_000_000_000)
"""More than a year's revenue of the whole city: a larger entry is a broken one, and would bury all sums it enters."""


class TaxEntry(StrEnum):
    """Why money moved."""

    PAYMENT = "payment"
    REFUND = "refund"
    CORRECTION = "correction"


class TaxKind(StrEnum):
    """Which tax, as far as the district's building statistics tell them apart."""

    VALUE_ADDED = "value_added"
    CORPORATE_INCOME = "corporate_income"
    INDIVIDUAL_INCOME = "individual_income"
    OTHER = "other"


class TaxReading(Envelope):
    """Tax received (or given back) for one building; `group_id` is the district, `device_id` the reporting office."""

    feed: Literal[Feed.TAX]
    building_id: Identifier
    building_name: Text | None = None
    receipt_id: Identifier
    """Number of the entry at the tax authority."""
    entry: TaxEntry
    tax_kind: TaxKind
    tax_period: Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
    """Month the tax belongs to, `YYYY-MM`, of the years 2000 to 2099."""
    amount_cny: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=-MAX_AMOUNT_CNY, le=MAX_AMOUNT_CNY)]
    """Yuan, two decimals, at most 100 billion; negative for refunds and for corrections downwards."""

    def doubts(self) -> tuple[QualityCode, ...]:
        """A payment is not negative and a refund is."""
        wrong_sign = (self.entry is TaxEntry.PAYMENT and self.amount_cny < 0) or (
            self.entry is TaxEntry.REFUND and self.amount_cny >= 0
        )
        return (QualityCode.WRONG_SIGN,) if wrong_sign else ()
