"""A bank that speaks in files: each order is a pain.001 file in one folder, what became of it is read from another.

The bank's own channel (SFTP, a host-to-host client) carries the folders; nothing here talks to a network. One order is one
file named by its reference, placed once by a link that cannot overwrite: a repeat finds the first. The bank's notifications
(camt.054) and refusals (pain.002) are never moved or changed, so what was said can be read again at any time.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from loans.gateways.base import BookLine, BookPage, NotExecuted, Order, Outcome, OutcomeUnknown, Receipt
from loans.gateways.iso20022 import (
    Debtor,
    Notice,
    UnableToReadNotification,
    is_status_report,
    read_notifications,
    read_orders,
    read_refusals,
    write_transfers,
)
from regimes.errors import N_, Refusal


class UnableToCollectByFile(Refusal):
    """Refuse to pull money: a direct debit by file needs the payer's mandate, which an order does not carry."""


class IsoFileGateway:
    """Order payments by pain.001 files and learn their outcome from camt.054 and pain.002 files."""

    def __init__(self, *, folder: Path, debtor: Debtor, clock: Callable[[], datetime]) -> None:
        self.orders, self.answers = folder / "orders", folder / "answers"
        self.debtor, self.clock = debtor, clock
        self._lines: tuple[BookLine, ...] = ()

    def pay_out(self, order: Order) -> Receipt:
        """Place the order's file, or find the one that was placed before."""
        known = self._answered(order.reference)
        if known is None:
            self._place(order)
            known = self._ordered(order.reference)
        if known is None or (known.amount, known.currency) != (order.amount, order.currency):
            raise OutcomeUnknown("another order stands under this reference")
        return known

    def collect(self, order: Order) -> Receipt:
        raise UnableToCollectByFile(
            "gateway_cannot_collect", N_("This bank takes no orders to collect money. Use another gateway.")
        )

    def look_up(self, reference: str) -> Receipt | None:
        return self._answered(reference) or self._ordered(reference)

    def book(self, *, after: int, limit: int) -> BookPage:
        if after == 0 or not self._lines:  # one reading for all pages of a comparison
            self._lines = self._book()
        lines = tuple(line for line in self._lines if after < line.number <= after + limit)
        return BookPage(lines=lines, balance=sum((line.cash for line in self._lines), Decimal(0)))

    # ---- orders -----------------------------------------------------------------------------------------------------
    def _path(self, reference: str) -> Path:
        return self.orders / f"{_hex(reference)}.xml"

    def _place(self, order: Order) -> None:
        """Write the file whole to the disk, then give it its name, once."""
        now = self.clock()
        body = write_transfers(
            [order], debtor=self.debtor, message_id=_hex(order.reference), execution_date=now.date(), created_at=now
        )  # fmt: skip
        try:
            self.orders.mkdir(parents=True, exist_ok=True)
            handle, half = tempfile.mkstemp(dir=self.orders, prefix=".", suffix=".half")
        except OSError as error:
            raise NotExecuted(f"the folder of orders cannot be written: {type(error).__name__}") from error
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(half, self._path(order.reference))
            except FileExistsError:
                return
        except OSError as error:
            raise NotExecuted(f"the order's file cannot be written: {type(error).__name__}") from error
        finally:
            Path(half).unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self.orders, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:  # the name may be lost with the power: whoever comes next looks again
            raise OutcomeUnknown("the folder of orders was not synced") from error
        finally:
            os.close(handle)

    def _ordered(self, reference: str) -> Receipt | None:
        path = self._path(reference)
        try:
            found = [one for one in read_orders(path.read_bytes()) if one.reference == _hex(reference)]
        except FileNotFoundError:
            return None
        except (OSError, UnableToReadNotification) as error:
            raise OutcomeUnknown("an order's file cannot be read") from error
        return _receipt(reference, Outcome.ACCEPTED, found[0].amount, found[0].currency) if found else None

    # ---- answers ----------------------------------------------------------------------------------------------------
    def _answered(self, reference: str) -> Receipt | None:
        """Give what the bank's files say of an order for good; None while they say nothing."""
        wanted = _hex(reference)
        paid = [one for one in self._notices() if one.receipt.reference == wanted and not one.is_credit]
        if paid:
            return _receipt(reference, Outcome.SUCCEEDED, paid[0].receipt.amount, paid[0].receipt.currency)
        reason = self._refusals().get(wanted)
        ordered = self._ordered(reference) if reason is not None else None
        if reason is None or ordered is None:
            return None
        return _receipt(reference, Outcome.FAILED, ordered.amount, ordered.currency, reason)

    def _files(self) -> list[bytes]:
        try:
            paths = sorted(path for path in self.answers.glob("*.xml") if path.is_file())
            return [_read(path, *(path.stat().st_mtime_ns, path.stat().st_size)) for path in paths]
        except OSError as error:
            raise OutcomeUnknown("the bank's files cannot be read") from error

    def _notices(self) -> list[Notice]:
        try:
            return [one for body in self._files() if not is_status_report(body) for one in _notices(body)]
        except UnableToReadNotification as error:
            raise OutcomeUnknown(f"a file of the bank cannot be read: {error.code}") from error

    def _refusals(self) -> dict[str, str]:
        try:
            found: dict[str, str] = {}
            for body in self._files():
                found |= read_refusals(body) if is_status_report(body) else {}
            return found
        except UnableToReadNotification as error:
            raise OutcomeUnknown(f"a file of the bank cannot be read: {error.code}") from error

    def _book(self) -> tuple[BookLine, ...]:
        """List what the bank booked, in its order, then what it has and has not executed."""
        notices = self._notices()
        back = {one.receipt.reference for one in notices if one.is_credit and one.is_reversal}
        booked = [one for one in notices if not one.is_reversal]
        lines = [
            _line("debit" if one.is_credit else "transfer", one.receipt, Outcome.SUCCEEDED,
                  returned=one.receipt.reference in back)
            for one in booked
        ]  # fmt: skip
        told, refused = {one.receipt.reference for one in booked}, self._refusals()
        for path in sorted(self.orders.glob("*.xml")) if self.orders.is_dir() else []:
            if path.stem not in told and (receipt := self._ordered(path.stem)) is not None:
                lines.append(
                    _line("transfer", receipt, Outcome.FAILED if path.stem in refused else Outcome.ACCEPTED)
                )
        return tuple(make(number) for number, make in enumerate(lines, 1))


def _hex(reference: str) -> str:
    try:
        return uuid.UUID(reference).hex
    except ValueError:
        return "".join(sign for sign in reference if sign.isalnum())[:35]


def _receipt(reference: str, outcome: Outcome, amount: Decimal, currency: str, reason: str = "") -> Receipt:
    """The bank's number of a booking is known only when it is booked, so the order's own reference names both."""
    return Receipt(reference, _hex(reference), outcome, amount, currency, reason[:80])


def _line(
    kind: str, receipt: Receipt, outcome: Outcome, *, returned: bool = False
) -> Callable[[int], BookLine]:
    return lambda number: BookLine(
        number=number,
        kind=kind,
        reference=receipt.reference,
        provider_reference=_hex(receipt.reference),
        status=outcome.value,
        returned=returned,
        amount=receipt.amount,
        currency=receipt.currency,
    )


@lru_cache(maxsize=512)
def _read(path: Path, changed: int, size: int) -> bytes:
    """Read a file of the bank once as long as it stays as it is."""
    return path.read_bytes()


@lru_cache(maxsize=512)
def _notices(body: bytes) -> tuple[Notice, ...]:
    return tuple(read_notifications(body))
