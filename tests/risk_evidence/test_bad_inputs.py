"""Every row of tests/bad_inputs/statements.yaml: the answer, quickly, with nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from accounts.models import AuditEntry, Borrower
from regimes.errors import Refusal
from risk.evidence import samples
from risk.models import EvidenceMapping, EvidenceRow, EvidenceSource, MonthlyRollup
from tests.risk_evidence.conftest import agree

ROWS = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "statements.yaml").read_text("utf-8"))
HEAD = "date,amount,memo\n"
MAKERS: dict[str, Callable[[], bytes]] = {
    "million_rows": lambda: (HEAD + "2026-01-01,1.00,x\n" * 1_000_001).encode(),
    "fifty_megabytes": lambda: (HEAD + "2026-01-01,1.00,abcdefghijklmnopqrst\n" * 1_400_000).encode(),
    "big_cell": lambda: (HEAD + "2026-01-01,1.00,x\n2026-01-02,1.00," + "x" * 1_000_000 + "\n").encode(),
    "long_cell": lambda: (HEAD + "2026-01-02,1.00," + "x" * 10_000 + "\n").encode(),
    "many_columns": lambda: (",".join(f"c{n}" for n in range(10_000)) + "\n").encode(),
    "open_quote": lambda: (
        HEAD + "2026-01-01,1.00,x\n" * 15 + '2026-01-01,1.00,"x\n' + "2026-01-01,1.00,x\n" * 200_000
    ).encode(),
    "broken_balance": lambda: (
        "date,amount,balance\n"
        + "".join(f"2026-01-01,1.00,{100 + n}.00\n" for n in range(1, 39))
        + "2026-01-01,1.00,140.00\n"
        + "".join(f"2026-01-01,1.00,{140 + n}.00\n" for n in range(1, 9))
    ).encode(),
}


def content(row: dict[str, Any]) -> bytes:
    if "make" in row:
        return MAKERS[row["make"]]()
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    if "base" not in row:
        return row["input"].encode(row.get("encoding", "utf-8"))
    body = getattr(samples, row["base"])()
    encoding = "gb18030" if row["base"] == "alipay" else "utf-8"
    text = body.decode(encoding)
    for old, new in row.get("replace", []):
        assert old in text, f"{old} is not in the sample"
        text = text.replace(old, new, 1)
    if "drop_line" in row:
        lines = text.splitlines(keepends=True)
        del lines[row["drop_line"]]
        text = "".join(lines)
    return text.encode(encoding)[: row.get("cut")] + bytes.fromhex(row.get("hex_at_end", ""))


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_bad_statement_gets_its_answer(
    row: dict[str, Any], alice: Borrower, upload: Callable[..., Any]
) -> None:
    agree(alice, "BUSINESS")
    body = content(row)
    audited = AuditEntry.objects.count()
    if "accepted" in row:
        source = upload(alice, row["surface"], body)
        assert source.new_rows == row["accepted"] == EvidenceRow.objects.filter(subject_id=alice.pk).count()
        assert source.redacted_rows == row.get("redacted", 0)
        return
    with pytest.raises(Refusal) as refused:
        upload(alice, row["surface"], body)
    assert (refused.value.http_status, True) == (
        row["status"],
        bool(re.fullmatch(row["code"], refused.value.code)),
    )
    assert re.search(row["message"], str(refused.value)), str(refused.value)
    for model in (EvidenceSource, EvidenceRow, EvidenceMapping, MonthlyRollup):
        assert not model.objects.exists(), f"{model.__name__} was written"
    assert AuditEntry.objects.count() == audited
