"""What a buyer and a shop's people see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from credit.models import CreditLine
from merchants.models import ApiKey, Checkout, WebhookEndpoint
from tests.factories import StaffFactory, UserFactory
from tests.merchants.shop import agree, capture, make_checkout, make_merchant


def visit(user: Any = None) -> Client:
    client = Client(headers={"accept-language": "en"})
    if user is not None:
        client.force_login(user)
    return client


def fresh(merchant: Any, amount: str = "600.00", **values: Any) -> Checkout:
    return make_checkout(merchant, amount, now=timezone.now(), **values)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for the reading time."""
    monkeypatch.setattr("merchants.views.pay._check_reading", lambda waited: None)


def test_a_stranger_sees_what_is_sold_and_the_door(merchant: Any) -> None:
    order = fresh(
        merchant,
        items=(
            {"name": "Phone <b>", "quantity": 2, "amount": "500.00"},
            {"name": "Case", "quantity": 1, "amount": "100.00"},
        ),
    )
    text = visit().get(f"/pay/{order.ref}").content.decode()
    assert "Paper Lantern" in text
    assert "Phone &lt;b&gt;" in text
    assert f"next=/pay/{order.ref}" in text
    assert "pay otherwise" in text


def test_a_buyer_without_papers_is_told_what_is_missing(merchant: Any) -> None:
    from tests.factories import BorrowerFactory

    buyer = BorrowerFactory()
    text = visit(buyer.user).get(f"/pay/{fresh(merchant).ref}").content.decode()
    assert "What is still missing" in text
    assert "Add your bank account" in text


def test_a_buyer_agrees_after_the_whole_cost(merchant: Any, line: CreditLine, quick: None) -> None:
    order, client = fresh(merchant), visit(line.borrower.user)
    page = client.get(f"/pay/{order.ref}").content.decode()
    key = re.findall(r'name="plan" value="(\w+)"', page)[0]
    table = client.get(f"/pay/{order.ref}/cost?plan={key}").content.decode()
    assert "Everything that you pay" in table
    seal = re.search(r'name="seal" value="([^"]+)"', table).group(1)  # type: ignore[union-attr]
    assert client.post(f"/pay/{order.ref}/confirm", {"seal": seal}).status_code == 400
    assert client.post(f"/pay/{order.ref}/confirm", {"seal": seal + "x", "agree": "on"}).status_code == 409
    done = client.post(f"/pay/{order.ref}/confirm", {"seal": seal, "agree": "on"})
    assert (done.status_code, done["Location"]) == (302, f"/pay/{order.ref}/done")
    order.refresh_from_db()
    assert order.status == "AUTHORISED"
    back = client.get(f"/pay/{order.ref}/done").content.decode()
    assert f"https://shop.example/thanks?checkout={order.ref}&amp;status=authorised" in back
    again = client.post(f"/pay/{order.ref}/confirm", {"seal": seal, "agree": "on"})
    assert again["Location"] == f"/pay/{order.ref}/done"


def test_nobody_signs_before_the_table_could_be_read(merchant: Any, line: CreditLine) -> None:
    order, client = fresh(merchant), visit(line.borrower.user)
    page = client.get(f"/pay/{order.ref}").content.decode()
    key = re.findall(r'name="plan" value="(\w+)"', page)[0]
    table = client.get(f"/pay/{order.ref}/cost?plan={key}").content.decode()
    seal = re.search(r'name="seal" value="([^"]+)"', table).group(1)  # type: ignore[union-attr]
    assert client.post(f"/pay/{order.ref}/confirm", {"seal": seal, "agree": "on"}).status_code == 409
    order.refresh_from_db()
    assert order.status == "OPEN"


def test_an_order_that_another_agreed_to_is_not_there(merchant: Any, line: CreditLine) -> None:
    order = fresh(merchant)
    agree(order, line, now=timezone.now())
    for user in (None, UserFactory()):
        for path in ("", "/done"):
            assert visit(user).get(f"/pay/{order.ref}{path}").status_code in (302, 404)


def test_an_expired_order_says_so(merchant: Any, line: CreditLine) -> None:
    order = make_checkout(merchant, now=timezone.now() - timedelta(hours=1))
    client = visit(line.borrower.user)
    assert "has expired" in client.get(f"/pay/{order.ref}").content.decode()
    assert client.get(f"/pay/{order.ref}/cost?plan=6").status_code == 302


def test_too_little_room_is_said_with_the_way_on(merchant: Any, line: CreditLine) -> None:
    order = fresh(merchant, "5000.01")
    text = visit(line.borrower.user).get(f"/pay/{order.ref}").content.decode()
    assert "Your line has no room for this" in text


# ---- the shop -------------------------------------------------------------------------------------------------------

PAGES = ("", "/settlements", "/refunds", "/keys", "/log", "/plans")


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_finds_no_shop(merchant: Any, page: str) -> None:
    where = f"/shops/{merchant.business.ref}{page}"
    assert visit(UserFactory()).get(where).status_code == 404
    assert visit().get(where).status_code == 302


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_owner_sees_every_page(books: None, line: CreditLine, page: str, language: str) -> None:
    owner = UserFactory()
    merchant = make_merchant(owner=owner)
    order = fresh(merchant)
    agree(order, line, now=timezone.now())
    capture(order, "100.00")
    client = visit(owner)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    answer = client.get(f"/shops/{merchant.business.ref}{page}", headers={"accept-language": language})
    assert answer.status_code == 200


def test_a_viewer_of_the_shop_changes_nothing(books: None, line: CreditLine) -> None:
    from accounts.models import BusinessMember

    viewer = UserFactory()
    merchant = make_merchant()
    BusinessMember.objects.create(business=merchant.business, user=viewer, role="VIEWER")
    order = agree(fresh(merchant), line, now=timezone.now())
    client, base = visit(viewer), f"/shops/{merchant.business.ref}"
    assert client.get(f"{base}/orders/{order.ref}").status_code == 200
    for path in ("/keys", "/log", "/plans"):
        assert client.get(base + path).status_code == 403
    assert client.post(f"{base}/orders/{order.ref}/act", {"verb": "void"}).status_code == 403
    order.refresh_from_db()
    assert order.status == "AUTHORISED"


def test_the_owner_captures_refunds_and_makes_keys(books: None, line: CreditLine) -> None:
    owner = UserFactory()
    merchant = make_merchant(owner=owner)
    order = agree(fresh(merchant), line, now=timezone.now())
    client, base = visit(owner), f"/shops/{merchant.business.ref}"
    where = f"{base}/orders/{order.ref}/act"
    assert client.post(where, {"verb": "capture", "key": "a"}).status_code == 302
    assert (
        client.post(where, {"verb": "refund", "key": "b", "amount": "600.01", "reason": ""}).status_code
        == 409
    )
    assert (
        client.post(
            where, {"verb": "refund", "key": "b", "amount": "100.00", "reason": "scratch"}
        ).status_code
        == 302
    )
    order.refresh_from_db()
    assert (order.status, str(order.refunded)) == ("CAPTURED", "100.00")
    made = client.post(f"{base}/keys", {"name": "till", "scopes": ["read"], "needs_signature": "on"})
    assert made.status_code == 201
    assert "no-store" in made["Cache-Control"]
    text = re.search(r"lp_test_\w{12}_[\w-]{43}", made.content.decode()).group(0)  # type: ignore[union-attr]
    key = ApiKey.objects.get()
    assert key.prefix in text
    assert text not in client.get(f"{base}/keys").content.decode()
    assert client.post(f"{base}/keys/{key.ref}", {"verb": "revoke"}).status_code == 302
    added = client.post(f"{base}/log", {"url": "https://shop.example/hook"})
    assert (added.status_code, "whsec_" in added.content.decode()) == (201, True)
    assert client.post(f"{base}/log", {"url": "https://user:pw@shop.example/"}).status_code == 400
    assert WebhookEndpoint.objects.count() == 1
    assert (
        client.post(f"{base}/plans", {"instalment_count": "6", "subvention_rate": "0.03"}).status_code == 302
    )


def test_a_business_applies_and_two_people_let_it_in(books: None) -> None:
    from accounts import operations as accounts_operations
    from tests.factories import AS_OF, NOW, BankAccountFactory, BusinessFactory

    owner = UserFactory()
    business = BusinessFactory(owner=owner)
    account = BankAccountFactory(borrower=business, holder_name=business.display_name)
    client = visit(owner)
    assert client.get(f"/shops/{business.ref}").status_code == 302
    form = {
        "name": "Night Market",
        "website": "https://night.example",
        "return_origins": "https://night.example\nhttps://m.night.example",
        "categories": ["PHONES"],
        "settlement_account": str(account.ref),
    }
    assert client.post(f"/shops/{business.ref}/apply", form).status_code == 302
    merchant = business.merchant
    assert (merchant.status, len(merchant.return_origins)) == ("APPLIED", 2)
    from django.contrib.auth.models import Group

    maker, checker = StaffFactory(), StaffFactory()
    for person in (maker, checker):
        person.groups.add(Group.objects.get(name="Credit officer"))
    proposal = accounts_operations.propose(
        kind="merchant_approval",
        payload={
            "merchant": str(merchant.ref),
            "categories": ["PHONES"],
            "fee_rate": "0.025",
            "settlement_days": 1,
        },
        maker=maker,
        reason="register and account looked at",
        as_of=AS_OF,
        now=NOW,
    )
    from accounts.proposal_kinds import kind_of

    changes = list(
        kind_of("merchant_approval").diff(
            {
                "merchant": str(merchant.ref),
                "categories": ["PHONES"],
                "fee_rate": "0.0250",
                "settlement_days": 1,
            },
            AS_OF,
        )
    )
    seen = accounts_operations.seen_digest(payload_sha256=proposal.payload_sha256, changes=changes)
    with pytest.raises(accounts_operations.NotForYou):
        accounts_operations.approve(proposal_id=proposal.pk, seen=seen, checker=maker, as_of=AS_OF, now=NOW)
    accounts_operations.approve(proposal_id=proposal.pk, seen=seen, checker=checker, as_of=AS_OF, now=NOW)
    merchant.refresh_from_db()
    assert (merchant.status, merchant.proposed_by, merchant.approved_by) == ("ACTIVE", maker, checker)
