"""The pure rules: rows of bad input, and what must be accepted."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from accounts.domain.contact import (
    canonical_email,
    mask_email,
    mask_phone,
    parse_email,
    parse_login,
    parse_phone,
)
from accounts.domain.contact_hours import may_contact, next_opening
from accounts.domain.dates import age_on, check_birth_date, check_founded_date, parse_date
from accounts.domain.documents import (
    parse_account_number,
    parse_document,
    parse_passport,
    parse_prc_id,
    parse_uscc,
)
from accounts.domain.industries import check_industry
from accounts.domain.names import mask_name, parse_full_name, parse_legal_name, same_name
from regimes.errors import Refusal
from tests.factories import card_number, prc_id, uscc


def code_of(call, *args, **kwargs) -> str:
    with pytest.raises(Refusal) as refused:
        call(*args, **kwargs)
    assert refused.value.http_status == 400
    assert str(refused.value)
    return refused.value.code


class TestNames:
    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            ("", "required"),
            ("   ", "required"),
            ("A", "too_short"),
            ("x" * 500, "too_long"),
            ("🙂🙂", "name_invalid"),
            ("<b>Alice</b>", "name_invalid"),
            ("{{7*7}}", "name_invalid"),
            ("Alice 2", "name_invalid"),
            ("Alice\u202eecilA", "control_character"),
            ("Ali\u200bce", "control_character"),
            ("Alice\x00", "control_character"),
            ("Alice\nBob", "control_character"),
            ("\ufeffAlice", "control_character"),
            ("Al\ue000ice", "control_character"),
            ("- '", "too_short"),
        ],
    )
    def test_it_refuses_what_no_document_carries(self, raw: str, code: str) -> None:
        assert code_of(parse_full_name, raw) == code

    @pytest.mark.parametrize(
        "name",
        [
            "O'Brien",
            "Nguyễn Thị Minh",
            "李",
            "欧阳娜娜",
            "Suharto",
            "Jean-Luc",
            "Łukasz",
            "阿卜杜拉·买买提",
            "김민준",
            "O’Neill",
            "María del Mar",
        ],
    )
    def test_it_accepts_legal_names_as_typed(self, name: str) -> None:
        assert parse_full_name(f"  {name} ") == name

    def test_business_names(self) -> None:
        assert parse_legal_name("北京小面馆（个体工商户）") == "北京小面馆（个体工商户）"
        assert parse_legal_name("Dora's Noodles No. 2 & Co.") == "Dora's Noodles No. 2 & Co."
        assert code_of(parse_legal_name, "<script>") == "name_invalid"
        assert code_of(parse_legal_name, "12345") == "name_invalid"
        assert code_of(parse_legal_name, "Shop\u202e") == "control_character"

    def test_spellings_of_one_name(self) -> None:
        assert same_name("Alice  Wong", "ALICE WONG")
        assert same_name("王 小明", "王小明")
        assert not same_name("Alice Wong", "Alice Wang")

    def test_masks(self) -> None:
        assert mask_name("王小明") == "王**"
        assert mask_name("李") == "李"
        assert mask_name("Alice Wong") == "A*** W***"


class TestContacts:
    @pytest.mark.parametrize(
        "raw",
        [
            "a",
            "a@b",
            "@b.co",
            "a@b@c.co",
            "a@b.co.",
            "a b@c.co",
            "a@-b.co",
            "a@b_.1",
            "a..b@c.co",
            ".a@c.co",
            "a@c..co",
            "a\u200b@c.co",
            "a@c.co\nBcc: x@y.zz",
        ],
    )
    def test_it_refuses_what_is_no_address(self, raw: str) -> None:
        assert code_of(parse_email, raw) == "email_invalid"

    def test_it_refuses_an_address_of_255_characters(self) -> None:
        assert code_of(parse_email, "a" * 243 + "@example.com") == "too_long"

    @pytest.mark.parametrize(
        "raw", ["alice@example.com", "Alice@EXAMPLE.com", " alice@example.com", "ａｌｉｃｅ@example.com"]
    )
    def test_all_spellings_are_one(self, raw: str) -> None:
        assert parse_email(raw) == canonical_email(raw) == "alice@example.com"

    @pytest.mark.parametrize(
        "raw",
        [
            "+0",
            "abc",
            "1" * 30,
            "١٣٨٠٠١٣٨٠٠٠",
            "１３８００１３８０００",
            "12",
            "+86",
            "010 6505 1234",
            "13800138000;DROP",
        ],
    )
    def test_it_refuses_what_cannot_get_a_message(self, raw: str) -> None:
        assert code_of(parse_phone, raw) == "phone_invalid"

    @pytest.mark.parametrize(
        "raw",
        [
            "13800138000",
            "+8613800138000",
            "+86 138 0013 8000",
            "138-0013-8000",
            "(+86) 13800138000"[1:].replace(")", ""),
        ],
    )
    def test_numbers_become_one_form(self, raw: str) -> None:
        assert parse_phone(raw) == "+8613800138000"

    def test_one_field_takes_both(self) -> None:
        assert parse_login("Bob@example.com") == ("email", "bob@example.com")
        assert parse_login("138 0013 8000") == ("phone", "+8613800138000")
        assert code_of(parse_login, "bob") == "email_invalid"
        assert code_of(parse_login, " ") == "required"

    def test_masks(self) -> None:
        assert mask_email("alice@example.com") == "a***@example.com"
        assert mask_phone("+8613800138000") == "+86138****8000"


class TestDocuments:
    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            ("", "required"),
            ("110105194912310021", "id_checksum"),
            ("11010519491231002", "id_format"),
            ("1101051949123100219", "id_format"),
            ("A10105194912310021", "id_format"),
            ("AB123456C", "id_format"),  # another country's
            ("1101051949１2310021x", "id_format"),
        ],
    )
    def test_it_refuses_numbers_with_mistakes(self, raw: str, code: str) -> None:
        assert code_of(parse_prc_id, raw) == code

    def test_it_refuses_days_and_regions_that_do_not_exist(self) -> None:
        wrong_day = "110105" + "20230229" + "001"
        total = sum(
            int(digit) * (2**power % 11) for digit, power in zip(wrong_day, range(17, 0, -1), strict=True)
        )
        assert code_of(parse_prc_id, wrong_day + "10X98765432"[total % 11]) == "id_birth_date"
        assert code_of(parse_prc_id, prc_id(region="990105", order=1)) == "id_region"

    @pytest.mark.parametrize(
        "raw",
        [
            "11010519491231002X",
            "11010519491231002x",
            " 110105 19491231 002X ",
            "110105-19491231-002X",
            "１１０１０５１９４９１２３１００２Ｘ",
        ],
    )
    def test_it_reads_the_published_example(self, raw: str) -> None:
        """The number is the specimen of the national standard GB 11643."""
        found = parse_prc_id(raw)
        assert (found.number, found.birth_date, found.region_code) == (
            "11010519491231002X",
            date(1949, 12, 31),
            "110105",
        )
        assert found.last4 == "002X"
        assert "110105" not in repr(found).replace("region_code='110105'", "")

    def test_a_changed_digit_is_always_seen(self) -> None:
        good = prc_id(order=123)
        for place in range(17):
            for digit in "0123456789":
                if digit != good[place]:
                    with pytest.raises(Refusal):
                        parse_prc_id(good[:place] + digit + good[place + 1 :])

    def test_residents_of_hong_kong_macao_and_taiwan(self) -> None:
        assert parse_prc_id(prc_id(region="810000", order=2)).region_code == "810000"

    def test_passports(self) -> None:
        assert parse_passport("e 1234-5678").number == "E12345678"
        for raw in ("E1", "ABCDEFGH", "E123456789", "E1234567<", "号码123456"):
            assert code_of(parse_passport, raw) == "passport_format"
        assert code_of(parse_document, document="DRIVING", raw="x") == "document_unknown"

    def test_businesses(self) -> None:
        """The code is the public one of Tencent's company in Shenzhen, as its web site prints it."""
        assert parse_uscc("9144 0300 7084 6113 6T") == "91440300708461136T"
        assert parse_uscc(uscc(7)) == uscc(7)
        assert code_of(parse_uscc, "914403007084611361") == "uscc_checksum"
        assert code_of(parse_uscc, "91440300708461136I") == "uscc_format"
        assert code_of(parse_uscc, "123") == "uscc_format"
        assert code_of(parse_uscc, "") == "required"

    def test_accounts(self) -> None:
        good = card_number(5)
        assert parse_account_number(f"{good[:4]} {good[4:]}") == good
        wrong = good[:-1] + str((int(good[-1]) + 1) % 10)
        assert code_of(parse_account_number, wrong) == "account_checksum"
        assert parse_account_number("01234567") == "01234567"
        for raw in ("1234567", "x" * 10, "1" * 31, "", "-12345678.5"):
            assert code_of(parse_account_number, raw) == "account_format"


class TestDates:
    @pytest.mark.parametrize(
        "raw",
        [
            "01/02/03",
            "2026-13-01",
            "1700000000",
            "2023-02-29",
            "2023-02-31",
            "2026-1-1",
            "",
            "２０２６-01-01",
            "2026-01-01T00:00",
            "20260101",
        ],
    )
    def test_it_refuses_other_forms(self, raw: str) -> None:
        assert code_of(parse_date, raw) == "date_invalid"

    @pytest.mark.parametrize(
        ("born", "code"),
        [
            (date(2026, 3, 3), "birth_date_future"),
            (date(1899, 12, 31), "birth_date_invalid"),
            (date(2008, 3, 3), "under_age"),
        ],
    )
    def test_it_refuses_births(self, born: date, code: str) -> None:
        assert code_of(check_birth_date, birth_date=born, as_of=date(2026, 3, 2), minimum_age=18) == code

    def test_eighteen_today_is_old_enough(self) -> None:
        check_birth_date(birth_date=date(2008, 3, 2), as_of=date(2026, 3, 2), minimum_age=18)

    def test_leap_day_children(self) -> None:
        assert age_on(birth_date=date(2008, 2, 29), day=date(2026, 2, 28)) == 17
        assert age_on(birth_date=date(2008, 2, 29), day=date(2026, 3, 1)) == 18

    def test_founding(self) -> None:
        assert (
            code_of(check_founded_date, founded_date=date(2026, 3, 3), as_of=date(2026, 3, 2))
            == "founded_future"
        )
        check_founded_date(founded_date=date(2026, 3, 2), as_of=date(2026, 3, 2))
        assert code_of(check_industry, "GAMBLING") == "industry_unknown"


class TestContactHours:
    def test_the_edges(self) -> None:
        opens, closes = time(8), time(22)
        assert not may_contact(local=datetime(2026, 3, 2, 7, 59, 59), opens=opens, closes=closes)
        assert may_contact(local=datetime(2026, 3, 2, 8, 0), opens=opens, closes=closes)
        assert may_contact(local=datetime(2026, 3, 2, 21, 59, 59), opens=opens, closes=closes)
        assert not may_contact(local=datetime(2026, 3, 2, 22, 0), opens=opens, closes=closes)
        assert next_opening(local=datetime(2026, 3, 2, 7, 0), opens=opens) == datetime(2026, 3, 2, 8, 0)
        assert next_opening(local=datetime(2026, 3, 2, 8, 0), opens=opens) == datetime(2026, 3, 3, 8, 0)
