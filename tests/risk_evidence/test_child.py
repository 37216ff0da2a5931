"""An upload is parsed in a child that has little memory and time, and says the same as the parser here."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Borrower
from risk.evidence import child, samples
from risk.evidence.operations import import_statement
from risk.evidence.parsed import Options
from risk.evidence.reading import spool
from risk.evidence.refusals import NotAStatement, StatementTooLarge, UnableToReadStatement
from risk.models import EvidenceSource
from tests.risk_evidence.conftest import AS_OF, NOW

OPTIONS = Options(as_of=date(2026, 11, 24))
KEY = b"k" * 32


def in_child(tmp_path: Path, kind: str, body: bytes) -> tuple[Any, str]:
    (tmp_path / "in").write_bytes(body)
    summary = child.read_in_child(kind, tmp_path / "in", OPTIONS, tmp_path / "out", key=KEY)
    return summary, (tmp_path / "out").read_text("utf-8")


@pytest.mark.parametrize("kind", ["ALIPAY", "CAMT053"])
def test_the_child_says_what_the_parser_says(tmp_path: Path, kind: str) -> None:
    body = samples.sample(kind, seed=3, holder="赵敏", end=date(2026, 11, 20))[1]
    out = io.StringIO()
    here = spool(kind, io.BytesIO(body), OPTIONS, out, key=KEY)
    assert in_child(tmp_path, kind, body) == (here, out.getvalue())


def test_a_refusal_comes_back_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(NotAStatement) as refused:
        in_child(tmp_path, "ALIPAY", b"%PDF-1.7\n")
    assert (refused.value.code, refused.value.http_status) == ("not_csv", 415)


def test_a_child_that_wants_more_than_its_share_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_bytes(samples.bank_csv())
    code = "import risk.evidence.child as c; c.CPU_SECONDS = 1; c.limit()\nwhile True: pass"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=child.ROOT, timeout=60, check=False)
    assert done.returncode < 0
    assert time.monotonic() - started < 30
    greedy = "import risk.evidence.child as c; c.limit(); bytearray(2 << 30)"
    done = subprocess.run([sys.executable, "-c", greedy], cwd=child.ROOT, stderr=subprocess.PIPE, check=False)
    assert b"MemoryError" in done.stderr
    monkeypatch.setattr(child, "WALL_SECONDS", 0.01)
    with pytest.raises(UnableToReadStatement) as refused:
        child.read_in_child("BANK_CSV", tmp_path / "in", OPTIONS, tmp_path / "out", key=KEY)
    assert refused.value.code == "statement_unreadable"


def test_the_child_has_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 60)
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere")
    assert not {"SECRET_KEY", "DATABASE_URL", "LENDPORTAL_INDEX_KEY"} & set(child._environment())


def test_an_upload_goes_through_the_child(alice: Borrower, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    real = child.read_in_child
    monkeypatch.setattr(
        "risk.evidence.operations.read_in_child",
        lambda kind, *a, **k: (called.append(kind), real(kind, *a, **k))[1],
    )
    source = import_statement(
        borrower_id=alice.pk, kind="WECHAT", stream=io.BytesIO(samples.wechat()), as_of=AS_OF, now=NOW
    )
    assert (called, source.new_rows, source.status) == (["WECHAT"], source.rows, "READY")


class Endless(io.RawIOBase):
    """Give 200 MB of rows without holding them."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return (b"2026-01-01,1.00,x\n" * (size // 18 + 1))[:size] if self.given < 200_000_000 else b""


def test_200_megabytes_are_refused_before_they_are_read(alice: Borrower) -> None:
    stream = Endless()
    with pytest.raises(StatementTooLarge):
        import_statement(borrower_id=alice.pk, kind="BANK_CSV", stream=stream, as_of=AS_OF, now=NOW)  # type: ignore[arg-type]
    assert stream.given < 34_000_000
    assert not EvidenceSource.objects.exists()


@pytest.mark.slow
def test_the_largest_file_stays_under_200_megabytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(
        f"2026-01-01 10:00:00,-{n % 900 + 1}.50,shop {n % 5000},lunch {n}\n" for n in range(300_000)
    )
    started = time.monotonic()
    (tmp_path / "in").write_bytes(("date,amount,counterparty,memo\n" + rows).encode())
    order = {"kind": "BANK_CSV", "path": str(tmp_path / "in"), "out": str(tmp_path / "out"), "key": "a2V5",
             "as_of": "2026-11-24", "mapping": {}, "remembered": {}}  # fmt: skip
    code = (
        "import risk.evidence.child as c; c.main();"
        "print('|', [int(x.split()[1]) // 1024 for x in open('/proc/self/status') if x.startswith('VmHWM')][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(order).encode(), stdout=subprocess.PIPE, cwd=child.ROOT,
        env=child._environment(), check=True,
    )  # fmt: skip
    answer, _, told = done.stdout.decode().rpartition("|")
    peak = int(told)
    with capsys.disabled():
        print(f"\n300,000 rows in {time.monotonic() - started:.1f} s, peak of the child {peak:.0f} MB")
    assert json.loads(answer)["summary"]["rows"] == 300_000
    assert peak < 200
