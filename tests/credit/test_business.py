"""The shop owner's picture: from real invoice lists and statements to seasons, buffers, warnings and notices."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.models import BusinessLicence, Notice
from accounts.operations import UnableToTakeLicence, give_licence
from accounts.operations.business_rules import licence_content
from accounts.templatetags.portal import day
from credit.business import near_breaches, warn_businesses
from risk.domain.cash_flow import Month, Sign, early_signs, picture
from risk.evidence.operations import import_statement
from risk.evidence.trade import cash_flow, pay_day
from tests.factories import AS_OF, NOW
from tests.web.conftest import Scene, signed_in
from tests.web.conftest import scene as scene
from tests.web.pages import words

D = Decimal


def months(*sales: int, first: date = date(2025, 3, 1), **values: D) -> list[Month]:
    found = []
    for number, amount in enumerate(sales):
        year, month = divmod(first.month - 1 + number, 12)
        found.append(Month(date(first.year + year, month + 1, 1), sales=D(amount), **values))
    return found


class TestPicture:
    def test_a_worked_example(self) -> None:
        flow = picture(
            months(*[100] * 9, 200, 100, 60, money_out=D(3000), balance_end=D(1500), top_customer=D("0.6")),
            newest=date(2026, 2, 27), as_of=AS_OF,
        )  # fmt: skip
        assert flow.sales_mean == (D(100) * 3 + 200 + 100 + 60) / 6
        assert flow.trend == (D(200 + 100 + 60) / 3) / D(100)
        assert flow.buffer_days == 15
        assert flow.top_customer == D("0.6")
        assert flow.age_days == 3
        mean = D(900 + 360) / 12
        assert (flow.season[12], flow.season[2]) == (200 / mean, 60 / mean)

    def test_what_is_not_known_is_not_zero(self) -> None:
        flow = picture(months(100, 100), newest=None, as_of=AS_OF)
        assert (flow.buffer_days, flow.trend, flow.season, flow.age_days) == (None, None, {}, None)
        assert early_signs(flow) == []
        empty = picture([], newest=None, as_of=AS_OF)
        assert (empty.sales_mean, empty.months) == (None, ())

    @pytest.mark.parametrize(
        ("age", "sign"), [(45, None), (46, Sign.FEED_AGING), (60, Sign.FEED_AGING), (61, Sign.FEED_STALE)]
    )
    def test_a_feed_is_told_of_before_it_counts(self, age: int, sign: Sign | None) -> None:
        flow = picture([], newest=AS_OF - timedelta(age), as_of=AS_OF)
        assert [found.sign for found in early_signs(flow)] == ([sign] if sign else [])


def invoices(end: date, *, customers: int = 2) -> io.BytesIO:
    """Write a list of sales of twelve months: December is twice as strong."""
    lines = ["发票号码,开票日期,购方名称,价税合计,发票状态"]
    day, number = end - timedelta(365), 0
    while day <= end:
        number += 1
        amount = 2000 if day.month == 12 else 1000
        buyer = f"客户{number % customers}"
        lines.append(f"{number:08d},{day.isoformat()},{buyer},{amount}.00,正常")
        day += timedelta(3)
    return io.BytesIO("\n".join(lines).encode())


@pytest.mark.django_db
class TestPage:
    def give(self, scene: Scene, end: date) -> None:
        import_statement(
            borrower_id=scene.world.shop.pk, kind="INVOICES_SALES", stream=invoices(end), file_name="s.csv",
            mapping=None, as_of=AS_OF, now=NOW, actor=scene.world.dora,
        )  # fmt: skip

    def test_the_owner_sees_what_the_lender_sees(self, scene: Scene) -> None:
        self.give(scene, AS_OF - timedelta(2))
        flow = cash_flow(borrower_id=scene.world.shop.pk, as_of=AS_OF)
        assert max(flow.season, key=lambda month: flow.season[month]) == 12
        page = signed_in(scene.world.vic).get(reverse("credit:business", args=[scene.world.shop.ref]))
        said = words(page.content)
        assert "Strongest month: December" in said
        assert f"{flow.sales_mean:,.0f}" in said
        assert page.content.count(b'<rect class="a"') >= 12
        assert "2025-12" in said
        assert f"It counts until {day(flow.newest + timedelta(60))}" in said

    def test_before_any_paper_it_says_what_to_give(self, scene: Scene) -> None:
        page = signed_in(scene.world.dora).get(reverse("credit:business", args=[scene.world.shop.ref]))
        assert "No papers yet" in words(page.content)
        mine = signed_in(scene.world.alice).get(
            reverse("credit:business", args=[scene.world.alice_person.ref])
        )
        assert mine.status_code == 404

    def test_an_aging_feed_is_told_once_before_it_counts(self, scene: Scene) -> None:
        self.give(scene, AS_OF - timedelta(50))
        flow = cash_flow(borrower_id=scene.world.shop.pk, as_of=AS_OF)
        found = near_breaches(borrower_id=scene.world.shop.pk, flow=flow, as_of=AS_OF)
        assert Sign.FEED_AGING in [row.sign for row in found]
        told = [warn_businesses(as_of=AS_OF + timedelta(n)) for n in range(7)]
        assert sum(told) == Notice.objects.filter(kind__in=["feed_is_aging", "business_sign"]).count() > 0
        assert Notice.objects.filter(kind="feed_is_aging").count() == 2, "in the portal and by mail"
        warn_businesses(as_of=AS_OF + timedelta(7))
        assert Notice.objects.filter(kind="feed_is_aging").count() == 2


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "PNG")
    return out.getvalue()


@pytest.mark.django_db
class TestLicence:
    def test_it_is_sealed_and_given_back_to_owners_alone(self, scene: Scene) -> None:
        url = reverse("accounts:licence", args=[scene.world.shop.ref])
        dora = signed_in(scene.world.dora)
        sent = dora.post(url, {"file": SimpleUploadedFile("执照.png", photo())})
        assert sent["Location"] == url
        row = BusinessLicence.objects.values_list("content", "media_type").get()
        assert row[1] == "image/png"
        assert photo()[:20] not in str(row[0].token).encode()
        kept = BusinessLicence.objects.get()
        assert licence_content(kept) == photo()
        file = reverse("accounts:licence-file", args=[kept.ref])
        answer = dora.get(file)
        assert (answer.content, answer["Content-Disposition"]) == (
            photo(),
            'attachment; filename="licence.png"',
        )
        assert signed_in(scene.world.fay).get(file).status_code == 403
        assert signed_in(scene.world.charlie).get(file).status_code == 404
        assert (
            signed_in(scene.world.fay).post(url, {"file": SimpleUploadedFile("a.png", photo())}).status_code
            == 403
        )

    @pytest.mark.parametrize(
        "content",
        [b"", b"MZ\x90\x00", b"<svg xmlns='x' onload='y'/>", photo()[:60], b"\x89PNG\r\n\x1a\n" + b"0" * 50],
    )
    def test_it_refuses_what_is_no_licence(self, scene: Scene, content: bytes) -> None:
        with pytest.raises(UnableToTakeLicence):
            give_licence(business=scene.world.shop, content=content, actor=scene.world.dora, now=NOW)

    def test_it_refuses_a_file_of_more_than_five_megabytes_at_its_field(self, scene: Scene) -> None:
        big = SimpleUploadedFile("a.pdf", b"%PDF-1.7" + b"0" * (5 * 1024 * 1024))
        url = reverse("accounts:licence", args=[scene.world.shop.ref])
        answer = signed_in(scene.world.dora).post(url, {"file": big})
        assert answer.status_code in (400, 415)
        assert "at most 5 MB" in words(answer.content)


@pytest.mark.django_db
def test_a_pay_day_is_read_from_wages(scene: Scene) -> None:
    from risk.operations import connect_sandbox_person

    connect_sandbox_person(borrower_id=scene.world.alice_person.pk, persona="steady", as_of=AS_OF, now=NOW)
    found = pay_day(borrower_id=scene.world.alice_person.pk, as_of=AS_OF)
    assert found is not None
    assert 1 <= found <= 31
    assert pay_day(borrower_id=scene.world.charlie_person.pk, as_of=AS_OF) is None
