"""The client, the quick start and the sample shop, against the real portal in this process."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from credit.models import CreditLine
from merchants.models import Checkout
from merchants.operations import make_key as make_shop_key
from tests.merchants.shop import SCOPES, agree, make_merchant

ROOT = Path(__file__).resolve().parents[2]
PORTAL = "http://testserver"


@pytest.fixture
def client_library() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "clients" / "python"))
    try:
        import lendportal_client

        yield lendportal_client
    finally:
        sys.path.remove(str(ROOT / "clients" / "python"))


def in_process(method: str, url: str, headers: Any, body: bytes | None) -> tuple[int, Any, bytes]:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    kind = {"content_type": "application/json"} if body is not None else {}
    answer = Client().generic(method, path, body or b"", headers=dict(headers), **kind)  # type: ignore[arg-type]
    return answer.status_code, dict(answer.headers), answer.content


def make_signed_key(merchant: Any) -> str:
    return make_shop_key(merchant=merchant, name="client", scopes=SCOPES, actor=None, now=timezone.now())[1]


def test_the_quick_start_works_by_copy_and_paste(
    merchant: Any, line: CreditLine, client_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_library.Shop, "transport", staticmethod(in_process))
    monkeypatch.setenv("LENDPORTAL_URL", PORTAL)
    monkeypatch.setenv("LENDPORTAL_KEY", make_signed_key(merchant))
    text = (ROOT / "docs/api/README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"quick start {number}", "exec"), names)
        if number == 0:
            agree(Checkout.objects.get(), line, now=timezone.now())
    row = Checkout.objects.get()
    assert (row.captured, row.released, row.refunded) == (1000, 299, 200)


def test_the_client_says_what_was_refused(merchant: Any, client_library: Any) -> None:
    shop = client_library.Shop(PORTAL, key=make_signed_key(merchant), transport=in_process)
    with pytest.raises(client_library.Problem) as caught:
        shop.create_checkout(
            order_id="1",
            amount="5.00",
            category="CLINIC",
            description="x",
            return_url="https://shop.example/",
        )
    assert (caught.value.status, caught.value.code, caught.value.field) == (
        400,
        "category_invalid",
        "category",
    )
    with pytest.raises(client_library.Problem) as caught:
        client_library.Shop(PORTAL, key="lp_test_x", transport=in_process).checkout(str(uuid.uuid4()))
    assert caught.value.code == "key_invalid"


def test_the_client_believes_the_portals_signature(client_library: Any) -> None:
    from merchants.domain.deliveries import sign

    body = json.dumps({"id": "e", "type": "test.ping", "object": "o", "sequence": 1, "data": {}}).encode()
    header = sign(body, secrets=["new", "old"], timestamp=1000)
    for secret in ("new", "old"):
        assert client_library.read_event(body, header, secret=secret, now=1200).type == "test.ping"
    for wrong in (
        (body, header, "other", 1000),
        (body + b" ", header, "new", 1000),
        (body, header, "new", 1301),
        (body, "", "new", 1000),
    ):
        with pytest.raises(client_library.SignatureInvalid):
            client_library.read_event(wrong[0], wrong[1], secret=wrong[2], now=wrong[3])


def test_the_client_walks_through_pages(merchant: Any, client_library: Any) -> None:
    from tests.merchants.shop import make_checkout

    for _ in range(53):
        make_checkout(merchant)
    shop = client_library.Shop(PORTAL, key=make_signed_key(merchant), transport=in_process)
    assert len({order.ref for order in shop.checkouts()}) == 53


class Browser:
    """Ask the sample shop as a browser would."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def ask(
        self, method: str, where: str, body: str = "", language: str = "en"
    ) -> tuple[str, dict[str, str], str]:
        parts, found = urlsplit(where), {}

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            found["status"], found["headers"] = status, dict(headers)

        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "HTTP_ACCEPT_LANGUAGE": language,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body.encode()),
        }
        page = b"".join(self.app(environ, start)).decode()
        return found["status"], found["headers"], page  # type: ignore[return-value]


def test_the_sample_shop_sells_ships_and_takes_back(line: CreditLine, client_library: Any) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("sample_shop", ROOT / "examples/shop/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    merchant = make_merchant(categories=("PHONES", "LANGUAGE_SCHOOL", "TRAVEL_AGENCY"))
    merchant.return_origins = ["http://127.0.0.1:8002"]
    merchant.save(update_fields=["return_origins"])
    shop = client_library.Shop(PORTAL, key=make_signed_key(merchant), transport=in_process)
    browser = Browser(module.App(shop, "http://127.0.0.1:8002", PORTAL))
    for language, words in (("en", "Pay in instalments"), ("zh-CN", "分期付款")):
        assert browser.ask("GET", "/", language=language)[2].count(words) == 3
    status, headers, _page = browser.ask("POST", "/buy/phone")
    assert status.startswith("303")
    row = Checkout.objects.get()
    assert headers["Location"].endswith(f"/pay/{row.ref}")
    agree(row, line, now=timezone.now())
    where = f"/thanks?checkout={row.ref}"
    page = browser.ask("GET", where)[2]
    assert "Agreed: pack it" in page

    def press(verb: str) -> None:
        page = browser.ask("GET", where)[2]
        token = re.search(r"name='token' value='([^']+)'", page).group(1)  # type: ignore[union-attr]
        key = re.search(r"name='key' value='([^']+)'", page).group(1)  # type: ignore[union-attr]
        answer = browser.ask("POST", f"/act/{row.ref}", f"verb={verb}&token={token}&key={key}")
        assert answer[0].startswith("303"), answer

    assert browser.ask("POST", f"/act/{row.ref}", "verb=ship&token=x&key=y")[0].startswith("403")
    for verb in ("half", "void", "refund"):
        press(verb)
    row.refresh_from_db()
    assert (str(row.captured), str(row.released), str(row.refunded)) == ("1499.50", "1499.50", "749.75")
