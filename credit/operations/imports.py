"""Import a book: all or nothing, the books proved afterwards, or a dry run that only tells every row's problem."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.invariants import INVARIANTS as ACCOUNTS
from accounts.models import Borrower, User
from accounts.operations import write_audit
from accounts.operations.imports import PersonToImport, import_people
from credit.domain.reasons import reason as say
from credit.domain.reasons import recourse
from credit.domain.reevaluation import next_review_after, period_of
from credit.imports.files import Book, Problem, Row, read_book
from credit.invariants import INVARIANTS as CREDIT
from credit.models import Application, CreditLine, Drawdown, LimitChange, Product
from credit.queries import active_policy, ceiling_now
from ledger.invariants import INVARIANTS as LEDGER
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms
from loans.invariants import INVARIANTS as LOANS
from loans.models import Loan
from loans.operations.imports import LoanHistory, check_history_of, import_loans
from regimes.errors import N_, InvalidInput, Refusal

BATCH = 500
LINE_DAYS = 365
PERSON = ("email", "full_name", "document", "number", "birth_date")


class BookRefused(Refusal):
    """Refuse a whole import; `problems` has every row's."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            "import_refused",
            N_("%(count)s rows have problems. Nothing was imported."),
            params={"count": len(problems)},
        )
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came in, or would."""

    customers: int
    lines: int
    loans: int
    payments: int
    principal_outstanding: Decimal
    is_dry: bool


class _DryRun(Exception):
    """Takes everything back after a dry run."""


def import_book(
    *, files: Mapping[str, bytes], actor: User, as_of: date, now: datetime, is_dry: bool = False
) -> ImportReport:
    """Import customers, lines, loans and payments; raises BookRefused with every problem and leaves nothing behind."""
    book = read_book(files)
    _check_links(book, as_of)
    histories = _histories(book, as_of)
    report: ImportReport | None = None
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:  # nobody waits at a page for this
                cursor.execute("SET LOCAL statement_timeout = 0")
            report = _write(book, histories, actor=actor, as_of=as_of, now=now, is_dry=is_dry)
            if book.problems:
                raise BookRefused(book.problems)
            _prove()
            if is_dry:
                raise _DryRun
    except _DryRun:
        pass
    assert report is not None, "written, or refused"
    return report


# ---- checks that need more than one row --------------------------------------------------------------------------------
def _check_links(book: Book, as_of: date) -> None:
    def missing(file: str, row: Row, name: str) -> None:
        book.complain(file, row.line, InvalidInput("unknown_id", N_("There is no “%(id)s” in the file it belongs to."), params={"id": row.values[name]}))  # fmt: skip

    for row in book.lines.values():
        if row.values["customer_id"] not in book.customers:
            missing("lines", row, "customer_id")
    for row in book.loans.values():
        if row.values["line_id"] not in book.lines:
            missing("loans", row, "line_id")
    for rows in book.payments.values():
        for row in rows:
            if row.values["loan_id"] not in book.loans:
                missing("payments", row, "loan_id")
            elif row.values["date"] > as_of:
                book.complain("payments", row.line, InvalidInput("date_future", N_("The date is after the business date.")))  # fmt: skip


def _histories(book: Book, as_of: date) -> dict[str, tuple[LoanTerms, tuple[LoanEvent, ...]]]:
    """Fold every loan's history; what cannot have happened is told at its row."""
    found = {}
    for key, row in book.loans.items():
        value = row.values
        try:
            if value["start_date"] > as_of:
                raise InvalidInput("date_future", N_("The date is after the business date."))
            terms = LoanTerms(
                principal=value["principal"],
                annual_rate=value["annual_rate"],
                repayment_method=value["method"],
                instalment_count=value["instalments"],
                start_date=value["start_date"],
                penalty_rate=value["penalty_rate"],
            )
            events = [LoanEvent(EventKind.PAYOUT, value["start_date"], f"payout:{uuid.uuid4()}", 0, as_of, value["principal"])]  # fmt: skip
            payments = sorted(book.payments.get(key, []), key=lambda one: (one.values["date"], one.line))
            events += [
                LoanEvent(EventKind.REPAYMENT, one.values["date"], f"import:{one.values['reference']}", 0, as_of, one.values["amount"])
                for one in payments
            ]  # fmt: skip
            found[key] = (terms, check_history_of(terms=terms, events=events, as_of=as_of))
        except Refusal as refusal:
            book.complain("loans", row.line, refusal)
    return found


# ---- writing -----------------------------------------------------------------------------------------------------------
def _write(
    book: Book, histories: Mapping[str, Any], *, actor: User, as_of: date, now: datetime, is_dry: bool
) -> ImportReport:
    people = _customers(book, actor=actor, as_of=as_of, now=now)
    lines = _lines(book, people, actor=actor, as_of=as_of, now=now)
    owed, count = Decimal(0), 0
    exposure: dict[int, Decimal] = defaultdict(Decimal)
    wanted = sorted(
        (key for key, row in book.loans.items() if key in histories and row.values["line_id"] in lines),
        key=lambda key: (book.loans[key].values["start_date"], key),
    )
    for keys in _batches(wanted):
        made = import_loans(
            histories=[_history(key, book, lines, histories) for key in keys], actor=actor, as_of=as_of, now=now
        )  # fmt: skip
        drawn = []
        for key, loan in zip(keys, made, strict=True):
            line, change = lines[book.loans[key].values["line_id"]]
            before = exposure[line.pk]
            if before + loan.principal > line.limit:
                book.complain("loans", book.loans[key].line, InvalidInput("over_limit", N_("This loan goes over the limit of its line.")))  # fmt: skip
                continue
            exposure[line.pk] = before + loan.principal_outstanding
            drawn.append(_drawdown(key, line, change, loan, before, actor))
            owed += loan.principal_outstanding
            count += 1
        Drawdown.objects.bulk_create(drawn)
    paid = sum(len(rows) for rows in book.payments.values())
    if not book.problems:
        write_audit(
            actor=actor,
            action="book.imported",
            object_type="credit.Import",
            object_ref=uuid.uuid4(),
            after={"customers": len(people), "lines": len(lines), "loans": count, "payments": paid},
        )
    return ImportReport(len(people), len(lines), count, paid, owed, is_dry)


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _customers(book: Book, *, actor: User, as_of: date, now: datetime) -> dict[str, Borrower]:
    people = {key: PersonToImport(**{name: row.values[name] for name in PERSON}) for key, row in book.customers.items()}  # fmt: skip
    found, refused = import_people(people=people, actor=actor, as_of=as_of, now=now)
    for key, refusal in refused.items():
        book.complain("customers", book.customers[key].line, refusal)
    return found


def _lines(
    book: Book, people: Mapping[str, Borrower], *, actor: User, as_of: date, now: datetime
) -> dict[str, tuple[CreditLine, LimitChange]]:
    product = Product.objects.filter(family=Product.Family.PERSONAL, is_active=True).order_by("pk")[0]
    policy, ceiling = active_policy(), ceiling_now()
    wanted: dict[str, tuple[Mapping[str, Any], Borrower]] = {}
    owners: set[int] = set()
    for key, row in book.lines.items():
        value, borrower = row.values, people.get(row.values["customer_id"])
        if borrower is None:
            continue
        if borrower.pk in owners:
            book.complain(
                "lines", row.line, InvalidInput("second_line", N_("This customer has a line already."))
            )
            continue
        if not Decimal(50) <= value["limit"] <= min(Decimal(300_000), ceiling.person_limit) or value["annual_rate"] > ceiling.annual_rate:  # fmt: skip
            book.complain("lines", row.line, InvalidInput("over_cap", N_("Limit or rate is over what the rules allow.")))  # fmt: skip
            continue
        owners.add(borrower.pk)
        wanted[key] = (value, borrower)
    applications = [_application(value, borrower, product, policy, now) for value, borrower in wanted.values()]  # fmt: skip
    Application.objects.bulk_create(applications)
    lines = [_line(value, application, as_of) for (value, _), application in zip(wanted.values(), applications, strict=True)]  # fmt: skip
    CreditLine.objects.bulk_create(lines)
    changes = [_opening(line, policy, actor, as_of) for line in lines]
    LimitChange.objects.bulk_create(changes)
    return dict(zip(wanted, zip(lines, changes, strict=True), strict=True))


def _application(value: Mapping[str, Any], borrower: Borrower, product: Product, policy: Any, now: datetime) -> Application:  # fmt: skip
    return Application(
        borrower=borrower, product=product, policy=policy, requested_amount=value["limit"], purpose=product.purposes[0],
        status=Application.Status.APPROVED, submitted_date=value["opened_date"], submitted_at=now, decided_date=value["opened_date"],
    )  # fmt: skip


def _line(value: Mapping[str, Any], application: Application, as_of: date) -> CreditLine:
    return CreditLine(
        borrower=application.borrower, family=application.product.family, limit=value["limit"], annual_rate=value["annual_rate"],
        penalty_rate=min(value["annual_rate"] * Decimal("1.5"), Decimal("0.36")), status=CreditLine.Status.ACTIVE,
        opened_date=value["opened_date"], valid_until=as_of + timedelta(days=LINE_DAYS), application=application,
        next_review_date=next_review_after(as_of, anchor=application.borrower_id),
    )  # fmt: skip


def _opening(line: CreditLine, policy: Any, actor: User, as_of: date) -> LimitChange:
    return LimitChange(
        line=line, direction="OPEN", trigger="OFFICER", old_limit=0, new_limit=line.limit, old_annual_rate=line.annual_rate,
        new_annual_rate=line.annual_rate, reasons=[say("changed_by_officer").to_dict()], recourse=[recourse("ask_person").to_dict()], policy=policy, actor=actor, note="import",
        period=period_of(as_of), effective_date=as_of, next_review_date=line.next_review_date,
    )  # fmt: skip


def _history(key: str, book: Book, lines: Mapping[str, Any], histories: Mapping[str, Any]) -> LoanHistory:
    line, _change = lines[book.loans[key].values["line_id"]]
    terms, events = histories[key]
    reference = uuid.uuid5(uuid.NAMESPACE_OID, f"lendportal-import:{line.borrower_id}:{key}")
    return LoanHistory(
        reference, line.borrower_id, None, terms, events
    )  # who comes in has no account here yet


def _drawdown(key: str, line: CreditLine, change: LimitChange, loan: Loan, before: Decimal, actor: User) -> Drawdown:  # fmt: skip
    product = line.application.product
    return Drawdown(
        line=line, loan=loan, product=product, amount=loan.principal, purpose=product.purposes[0], scenario=product.scenario,
        bank_account_id=loan.bank_account_id or 0, limit_change=change, limit_at_draw=line.limit, exposure_before=before,
        idempotency_key=f"import:{key}", request_hash="", actor=actor, drawn_date=loan.start_date,
    )  # fmt: skip


def _prove() -> None:
    """Ask every invariant inside the transaction; one that does not hold takes the whole import back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        stated: list[Any] = [*LEDGER, *LOANS, *CREDIT, *ACCOUNTS]
        for invariant in stated:
            cursor.execute(invariant.sql)
            row = cursor.fetchone()
            if row is not None:
                raise BookRefused([Problem("books", 0, invariant.id, invariant.title + f": {row}")])
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
