"""Money in a body or a query: read by the one strict parser of the house."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api import TextField
from accounts.api.fields import Strict
from ledger.domain.money import DEFAULT_CURRENCY, parse_amount

AMOUNT_SCHEMA = {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$", "example": "1500.00"}


@extend_schema_field(AMOUNT_SCHEMA)
class AmountField(Strict):
    """An amount as a text: a JSON number has been a float somewhere, so it is refused."""

    wrong_type = _("Enter an amount such as 1500.00.")

    def __init__(self, *, zero: bool = False, **kwargs: Any) -> None:
        self.zero = zero  # whether nothing is an amount here, whose range the operation then names
        super().__init__(**kwargs)

    def refuse_type(self) -> None:
        raise serializers.ValidationError(self.wrong_type, code="amount_invalid")

    def judge(self, data: str) -> Decimal:
        found: Decimal = self.ask(parse_amount, data)
        if not found and not self.zero:
            self.refuse_type()
        return found


class CurrencyField(TextField):
    """The currency of the amount, said by the caller so that nobody pays in another than was meant."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "CNY.")
        super().__init__(most=40, blank=True, **kwargs)

    def judge(self, data: str) -> str:
        if data != DEFAULT_CURRENCY:
            words = _("This is lent and repaid in %(currency)s only.") % {"currency": DEFAULT_CURRENCY}
            raise serializers.ValidationError(words, code="currency_invalid")
        return data
