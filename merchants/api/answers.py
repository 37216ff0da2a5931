"""What the addresses of shops take and answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.api import (
    CountField,
    DateField,
    FlagField,
    MoneyField,
    RefField,
    StrictSerializer,
    TextField,
)
from loans.api_answers import QuoteOut
from loans.api_fields import AmountField, CurrencyField
from merchants.domain.deliveries import EVENTS

MOST_NAME = 100


class PlanOut(serializers.Serializer[Any]):
    """The plan that the buyer agreed to."""

    instalment_count = serializers.IntegerField()
    zero_interest = serializers.BooleanField(help_text="The shop pays the interest.")
    subvention_rate = serializers.CharField(help_text="What that costs the shop, as a part of the amount.")


class CheckoutOut(serializers.Serializer[Any]):
    """An order as it stands. Nothing is said of the buyer beyond the plan."""

    ref = serializers.UUIDField()
    order_id = serializers.CharField()
    status = serializers.CharField(help_text="OPEN, AUTHORISED, CAPTURED, VOIDED, EXPIRED or CANCELLED.")
    amount = serializers.CharField()
    currency = serializers.CharField()
    category = serializers.CharField()
    description = serializers.CharField()
    captured = serializers.CharField()
    released = serializers.CharField(help_text="Let go without being captured.")
    refunded = serializers.CharField()
    capturable = serializers.CharField()
    refundable = serializers.CharField()
    fee_rate = serializers.CharField()
    plan = PlanOut(allow_null=True)
    url = serializers.CharField(help_text="Send the buyer here.")
    expires_at = serializers.DateTimeField(help_text="Until then the buyer may agree.")
    authorised_at = serializers.DateTimeField(allow_null=True)
    capture_until = serializers.DateField(allow_null=True, help_text="The last day to capture.")


class CaptureOut(serializers.Serializer[Any]):
    """A capture, with what the shop gets of it."""

    ref = serializers.UUIDField()
    checkout = serializers.UUIDField()
    order_id = serializers.CharField()
    reference = serializers.CharField(help_text="The Idempotency-Key.")
    amount = serializers.CharField()
    currency = serializers.CharField()
    fee = serializers.CharField()
    subvention = serializers.CharField()
    net = serializers.CharField()
    captured_date = serializers.DateField()


class RefundOut(serializers.Serializer[Any]):
    """A refund, with what the shop gets back of fee and interest."""

    ref = serializers.UUIDField()
    checkout = serializers.UUIDField()
    order_id = serializers.CharField()
    reference = serializers.CharField(help_text="The Idempotency-Key.")
    amount = serializers.CharField()
    currency = serializers.CharField()
    fee_returned = serializers.CharField()
    subvention_returned = serializers.CharField()
    reason = serializers.CharField()
    refunded_date = serializers.DateField()


class SettlementOut(serializers.Serializer[Any]):
    """One payment to the shop."""

    ref = serializers.UUIDField()
    settled_date = serializers.DateField()
    captured = serializers.CharField()
    refunded = serializers.CharField()
    fees = serializers.CharField()
    subventions = serializers.CharField()
    net = serializers.CharField()
    currency = serializers.CharField()
    status = serializers.CharField(help_text="PENDING ... CONFIRMED: only CONFIRMED has arrived.")


class SettlementDetailOut(SettlementOut):
    """One payment with what it is made of."""

    captures = CaptureOut(many=True)
    refunds = RefundOut(many=True)


class MerchantOut(serializers.Serializer[Any]):
    """The shop of the key."""

    ref = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    return_origins = serializers.ListField(child=serializers.CharField())
    fee_rate = serializers.CharField()
    settlement_days = serializers.IntegerField()
    scopes = serializers.ListField(child=serializers.CharField(), help_text="Of the key.")
    is_sandbox = serializers.BooleanField()


class EndpointOut(serializers.Serializer[Any]):
    """An address that hears of events."""

    ref = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    is_active = serializers.BooleanField()
    disabled_reason = serializers.CharField()


class NewEndpointOut(EndpointOut):
    """The same, with the signing secret: shown this once."""

    secret = serializers.CharField()


class AttemptOut(serializers.Serializer[Any]):
    """One try of a delivery."""

    number = serializers.IntegerField()
    sent_at = serializers.DateTimeField()
    http_status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    milliseconds = serializers.IntegerField()


class DeliveryOut(serializers.Serializer[Any]):
    """An event on its way to an endpoint."""

    ref = serializers.UUIDField()
    event = serializers.UUIDField(source="event.ref")
    kind = serializers.CharField(source="event.kind")
    object = serializers.UUIDField(source="object_ref")
    endpoint = serializers.UUIDField(source="endpoint.ref")
    status = serializers.CharField(help_text="PENDING, CLAIMED, DELIVERED or FAILED.")
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    log = AttemptOut(many=True)


class PlanOptionOut(serializers.Serializer[Any]):
    """A plan that the buyer may choose, with its whole cost."""

    instalment_count = serializers.IntegerField()
    zero_interest = serializers.BooleanField()
    terms_version = serializers.CharField(help_text="Send it back when agreeing.")
    quote = QuoteOut()


class PurchaseOut(serializers.Serializer[Any]):
    """What a buyer is asked to agree to."""

    ref = serializers.UUIDField()
    shop = serializers.CharField()
    description = serializers.CharField()
    amount = MoneyField()
    currency = serializers.CharField()
    status = serializers.CharField()
    return_url = serializers.CharField()
    line = serializers.UUIDField(allow_null=True, help_text="The line that pays; null before a decision.")
    available = MoneyField(allow_null=True)
    plans = PlanOptionOut(many=True)


# ---- bodies ---------------------------------------------------------------------------------------------------------


class ItemBody(StrictSerializer):
    """One line of goods, for the buyer to recognise."""

    name = TextField(most=MOST_NAME)
    quantity = CountField()
    amount = AmountField()

    def validate_quantity(self, value: int) -> int:
        if not 1 <= value <= 9999:
            raise serializers.ValidationError(_("Send a number from 1 to 9999."), code="quantity_invalid")
        return value

    def validate_amount(self, value: Any) -> str:
        return f"{value:.2f}"


class CheckoutBody(StrictSerializer):
    """An order of a shop."""

    order_id = TextField(most=300, help_text="The shop's own number, 1 to 64 characters: one order a number.")
    amount = AmountField()
    currency = CurrencyField()
    category = TextField(most=40, help_text="One that the shop was approved for.")
    description = TextField(most=200, help_text="What the buyer reads above the amount.")
    return_url = TextField(most=600, help_text="On the shop's list; the buyer comes back here.")
    cancel_url = TextField(most=600, required=False, blank=True)
    items = ItemBody(many=True, required=False)


class CaptureBody(StrictSerializer):
    """A part of what was agreed; without an amount, the rest."""

    amount = AmountField(required=False)
    currency = CurrencyField()


class RefundBody(StrictSerializer):
    """A part of what was captured; without an amount, the rest."""

    amount = AmountField(required=False)
    currency = CurrencyField()
    capture = RefField(required=False, help_text="Of which capture; without it the newest first.")
    reason = TextField(most=200, required=False, blank=True)


class EndpointBody(StrictSerializer):
    """An address that hears of events."""

    url = TextField(most=600, help_text="https, in the open internet.")
    events = serializers.ListField(
        child=TextField(most=40), required=False, max_length=len(EVENTS), help_text="Without it: all."
    )


class AgreeBody(StrictSerializer):
    """What a buyer agrees to."""

    borrower = RefField(help_text="For whom, from `/me`.")
    instalment_count = CountField()
    zero_interest = FlagField()
    bank_account = RefField(help_text="Instalments are taken from here.")
    terms_version = TextField(most=80, help_text="The terms that were read, from the plan.")


class DecideBody(StrictSerializer):
    """Ask to be decided for this order."""

    borrower = RefField(help_text="For whom, from `/me`.")
    occupation = TextField(required=False, most=40, blank=True, help_text="For a person: what the work is.")


class MoveDateBody(StrictSerializer):
    """Until when the sandbox should live."""

    to = DateField()


class DateOut(serializers.Serializer[Any]):
    """The day that the books are open for."""

    business_date = serializers.DateField()
