"""The machine of tests/credit/machine.py with what comes from outside: messages of the bank in any order, a bank that does not
answer, people who apply and are decided upon, keys that are rotated, and people who want to be forgotten."""

from __future__ import annotations

import json
import os
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from accounts.models import BankAccount, Borrower, Identity
from accounts.operations.keys import rotate_keys
from credit import operations
from credit.models import Application, CreditLine
from credit.rights.erase import erase_borrower
from loans import operations as loan_operations
from loans.gateways.signature import sign
from loans.models import GatewayMessage, Loan, Payout
from regimes.errors import Refusal
from tests.credit.factories import make_person
from tests.credit.machine import DEEP, PICK, Portal
from tests.factories import NOW, UserFactory

EXAMPLES = int(os.environ.get("DEEP_EXAMPLES", "1000")) if DEEP else 5
STEPS = 50 if DEEP else 16
SECRET = "s" * 40
NOWHERE = "http://127.0.0.1:9"  # the port of discard: nobody is there
OPEN = ("PENDING", "ACTIVE", "OVERDUE", "WRITTEN_OFF")


class World(Portal):
    """The portal and everybody around it."""

    def begin(self) -> None:
        self.settings = override_settings(GATEWAY_SECRETS=[SECRET], GATEWAY_URL=NOWHERE, GATEWAY_TIMEOUT=1)
        self.settings.enable()
        self.rings: list[override_settings] = []
        self.people: list[Borrower] = []
        self.status: dict[int, str] = {}  # of each application, by the model
        self.number = self.account.number
        self.shift = timedelta(0)

    def teardown(self) -> None:
        super().teardown()
        for ring in reversed(getattr(self, "rings", [])):
            ring.disable()
        if hasattr(self, "settings"):
            self.settings.disable()

    # ---- the bank ---------------------------------------------------------------------------------------

    @rule(which=PICK, end=st.sampled_from(["succeeded", "failed"]),
          order=st.permutations(["accepted", "end", "end again", "accepted again", "contradiction"]),
          forged=st.booleans())  # fmt: skip
    def webhook(self, which: int, end: str, order: list[str], forged: bool) -> None:
        """Everything that the bank says of an order comes twice, in any order, with a lie between."""
        loan = self.pick(which, "PENDING")
        if loan is None:
            return
        payout = loan.payout
        event_ids = {"accepted": uuid.uuid4().hex, "end": uuid.uuid4().hex}
        other = "failed" if end == "succeeded" else "succeeded"
        kinds = {"accepted": "accepted", "end": end, "contradiction": other}
        ended = ""
        for step in order:
            name = step.removesuffix(" again")
            self.hear(payout, kinds[name], event_id=event_ids.get(name, uuid.uuid4().hex))
            ended = ended or (kinds[name] if name != "accepted" else "")
        if forged:
            with pytest.raises(Refusal, match="signature"):
                self.hear(payout, other, event_id=uuid.uuid4().hex, secret="f" * 40)
        payout.refresh_from_db()
        assert payout.status == {"succeeded": "CONFIRMED", "failed": "REFUSED"}[ended], "the first end stands"
        del self.model.waiting[loan.pk]

    def hear(self, payout: Payout, what: str, *, event_id: str, secret: str = SECRET) -> None:
        body = json.dumps({
            "id": event_id, "type": f"transfer.{what}", "version": "1",
            "data": {
                "reference": str(payout.gateway_reference), "provider_reference": f"b{payout.pk}",
                "amount": f"{payout.amount:.2f}", "currency": "CNY", "reason": "no",
            },
        }).encode()  # fmt: skip
        at = time.time()
        signature = sign(body=body, secret=secret, timestamp=int(at))
        row = loan_operations.receive_gateway_message(
            provider="sandbox", body=body, signatures=[signature], now=datetime.fromtimestamp(at, tz=UTC)
        )
        loan_operations.apply_gateway_message(message_id=row.pk, as_of=self.today, now=NOW)
        assert GatewayMessage.objects.get(pk=row.pk).state in ("APPLIED", "PARKED")

    @rule(which=PICK, times=st.integers(1, 3))
    def no_answer(self, which: int, times: int) -> None:
        """Nobody answers: the order waits, the money stays held, and no event is written."""
        loan = self.pick(which, "PENDING")
        if loan is None:
            return
        for _ in range(times):
            self.shift += timedelta(hours=1)
            loan_operations.send_payout(payout_id=loan.payout.pk, now=NOW + self.shift, as_of=self.today)
        loan.refresh_from_db()
        assert (loan.status, loan.events.count()) == ("PENDING", 0)
        assert loan.payout.status in ("PENDING", "UNKNOWN", "SENT")

    # ---- people -----------------------------------------------------------------------------------------

    @rule(amount=st.sampled_from([50, 1_000, 300_000, 300_001]), again=st.booleans())
    def apply(self, amount: int, again: bool) -> None:
        """Without evidence nobody is approved, and nobody applies twice at once."""
        person = self.people[-1] if again and self.people else make_person()
        waiting = Application.objects.filter(borrower=person, status__in=["SUBMITTED", "REFERRED"]).exists()
        try:
            found = operations.submit_application(
                borrower=person, product_code="everyday", requested_amount=Decimal(amount), purpose="DAILY_GOODS",
                actor=None, as_of=self.today, now=NOW, occupation="EMPLOYED",
            )  # fmt: skip
        except Refusal:
            return
        assert not waiting, "applied twice at once"
        assert amount <= 300_000
        assert found.status in ("REFERRED", "DECLINED"), "approved without evidence"
        if person not in self.people:
            self.people.append(person)
        self.status[found.pk] = found.status

    @rule(
        which=PICK,
        outcome=st.sampled_from(["APPROVE", "DECLINE"]),
        limit=st.sampled_from([49, 50, 500, 300_000]),
    )
    def decide(self, which: int, outcome: str, limit: int) -> None:
        referred = [pk for pk, status in sorted(self.status.items()) if status == "REFERRED"]
        if not referred:
            return
        chosen = referred[which % len(referred)]
        for _ in range(2):  # the second answer comes too late, whatever the first was
            try:
                operations.decide_by_officer(
                    application_id=chosen, outcome=outcome, limit=Decimal(limit), annual_rate=None, note="seen",
                    actor=self.officer, as_of=self.today, now=NOW,
                )  # fmt: skip
            except Refusal:
                continue
            assert self.status[chosen] == "REFERRED", "decided twice"
            assert outcome == "DECLINE" or limit in (50, 500), "outside what one officer may give"
            self.status[chosen] = {"APPROVE": "APPROVED", "DECLINE": "DECLINED"}[outcome]

    @rule()
    def rotate_key(self) -> None:
        """A new key comes first; everything is sealed anew and reads as before."""
        keys = {f"k{len(self.rings)}": secrets.token_bytes(32), **settings.FIELD_KEYS}
        ring = override_settings(FIELD_KEYS=keys)
        ring.enable()
        self.rings.append(ring)
        assert rotate_keys().left == 0
        assert BankAccount.objects.get(pk=self.account.pk).number == self.number

    @rule(which=PICK)
    def erase(self, which: int) -> None:
        """Who owes is not forgotten; who owes nothing is, and no sum of the books changes."""
        everyone = [self.line.borrower, *self.people]
        person = everyone[which % len(everyone)]
        loans = Loan.objects.filter(borrower=person)
        is_free = not loans.filter(status__in=OPEN).exists() and not loans.exclude(credit_balance=0).exists()
        if person == self.line.borrower and is_free:
            return  # the machine would have nothing left to do
        waits = any(
            self.status[each.pk] == "REFERRED"
            for each in Application.objects.filter(borrower=person, pk__in=self.status)
        )
        try:
            erase_borrower(borrower=person, actor=person.user or UserFactory(), as_of=self.today, now=NOW)
        except Refusal:
            assert waits or not is_free
            return
        assert is_free
        assert not waits
        assert (
            not Identity.objects.filter(borrower=person).exclude(full_name="").exclude(full_name="—").exists()
        )
        self.people.remove(person)

    @invariant()
    def everybody_is_as_the_model_says(self) -> None:
        if not hasattr(self, "status"):
            return
        found = dict(Application.objects.filter(pk__in=self.status).values_list("pk", "status"))
        assert found == self.status
        for person in self.people:
            approved = Application.objects.filter(borrower=person, status="APPROVED").count()
            assert CreditLine.objects.filter(borrower=person).count() == min(approved, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("books")
def test_the_portal_is_the_model() -> None:
    run_state_machine_as_test(
        World,
        settings=hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
