"""A shop that sells a phone, a course and a trip in instalments. Run it: see README.md beside this file."""

from __future__ import annotations

import argparse
import html
import itertools
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python"))

from lendportal_client import Checkout, Problem, Shop


def _picture(paths: str) -> str:
    return f'<svg viewBox="0 0 64 64" width="64" height="64" fill="none" stroke="currentColor" stroke-width="3">{paths}</svg>'


PHONE = _picture('<rect x="18" y="6" width="28" height="52" rx="6"/><path d="M28 50h8"/>')
BOOK = _picture('<path d="M32 16c-6-6-14-7-24-6v40c10-1 18 0 24 6 6-6 14-7 24-6V10c-10-1-18 0-24 6v40"/>')
HILLS = _picture('<path d="M4 52 24 20l12 18 8-12 16 26z"/><circle cx="48" cy="14" r="6"/>')
GOODS = {
    "phone": ("PHONES", "2999.00", {"en": "Phone, 256 GB, moss green", "zh": "手机 256 GB 苔绿"}, PHONE),
    "course": (
        "LANGUAGE_SCHOOL",
        "1800.00",
        {"en": "Spanish course, 40 evenings", "zh": "西班牙语课程 40 晚"},
        BOOK,
    ),
    "trip": ("TRAVEL_AGENCY", "4200.00", {"en": "Five days in Dali for two", "zh": "大理双人五日游"}, HILLS),
}
WORDS = {
    "en": {
        "shop": "Paper Lantern", "lead": "Three things worth paying for slowly.", "buy": "Pay in instalments",
        "other": "Or pay now by card (not in this sample).", "back": "Back to the shop", "order": "Order", "status": "State",
        "AUTHORISED": "Agreed: pack it", "CAPTURED": "Shipped", "OPEN": "Not agreed yet", "VOIDED": "Let go",
        "EXPIRED": "Expired", "CANCELLED": "Cancelled", "thanks": "Thank you", "sorry": "Not paid", "plan": "Plan",
        "months": "months", "zero": "at 0 %", "ship": "Ship everything", "half": "Ship half", "void": "Let the rest go",
        "refund": "Take half of it back", "staff": "For the people behind the counter", "captured": "Captured",
        "refunded": "Refunded", "left": "To ship", "orders": "Orders", "none": "No orders yet.", "lang": "中文",
    },
    "zh": {
        "shop": "纸灯笼", "lead": "三样值得慢慢付的东西。", "buy": "分期付款", "other": "也可以刷卡一次付清（本示例不提供）。",
        "back": "返回商店", "order": "订单", "status": "状态", "AUTHORISED": "已同意：请备货", "CAPTURED": "已发货",
        "OPEN": "尚未同意", "VOIDED": "已释放", "EXPIRED": "已过期", "CANCELLED": "已取消", "thanks": "谢谢惠顾", "sorry": "未付款",
        "plan": "方案", "months": "个月", "zero": "0 利息", "ship": "全部发货", "half": "先发一半", "void": "其余不发",
        "refund": "收回一半商品", "staff": "店员操作", "captured": "已请款", "refunded": "已退款", "left": "待发货", "orders": "订单",
        "none": "还没有订单。", "lang": "English",
    },
}  # fmt: skip
STYLE = """
:root{color-scheme:light dark;--ink:#1d1b18;--paper:#fbf7ef;--card:#fff;--line:#e4dccb;--red:#b5301f}
@media(prefers-color-scheme:dark){:root{--ink:#f2ece0;--paper:#1b1916;--card:#26231f;--line:#3b362f;--red:#f0806f}}
*{box-sizing:border-box}body{margin:0;font:17px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;color:var(--ink);background:var(--paper)}
header,main{max-width:60rem;margin:0 auto;padding:1rem}header{display:flex;justify-content:space-between;align-items:center}
h1{font-size:2rem;margin:.2rem 0}a{color:var(--red)}.goods{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.2rem}.big{font-size:3rem;margin:0}.price{font-size:1.5rem;font-weight:700}
button{font:inherit;font-weight:600;padding:.7rem 1rem;min-height:48px;border-radius:10px;border:1px solid var(--red);background:var(--red);color:#fff;width:100%;cursor:pointer}
@media(prefers-color-scheme:dark){button{color:#1b1916}}button.quiet{background:transparent;color:var(--red)}small{opacity:.75}
.orders{list-style:none;padding:0}.orders li{display:flex;justify-content:space-between;gap:1rem;padding:.7rem 0;border-top:1px solid var(--line)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem}dd{margin:0;text-align:right}.acts{display:grid;gap:.6rem}
"""


class App:
    """The pages of the shop. Orders live in memory: the portal is what remembers."""

    def __init__(self, shop: Shop, own_url: str, portal_url: str) -> None:
        self.shop, self.own_url, self.portal_url = shop, own_url.rstrip("/"), portal_url.rstrip("/")
        self.orders: list[tuple[str, str]] = []  # the portal's reference and what was ordered, newest first
        self.counter = itertools.count(1)
        self.token = secrets.token_urlsafe(16)  # a form of another site does not know it

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        lang = self._language(environ, query)
        try:
            status, headers, page = self._route(method, path, query, lang, environ)
        except Problem as problem:
            status, headers = "502 Bad Gateway", []
            page = self._page(lang, f"<h1>{html.escape(problem.detail or problem.code)}</h1>")
        body = page.encode()
        base = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Set-Cookie", f"shop_lang={lang}; Path=/; SameSite=Lax"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ]
        start(status, [*base, *headers])
        return [body]

    def _language(self, environ: dict[str, Any], query: dict[str, str]) -> str:
        if query.get("lang") in WORDS:
            return query["lang"]
        cookie = environ.get("HTTP_COOKIE", "")
        if "shop_lang=en" in cookie or "shop_lang=zh" in cookie:
            return "en" if "shop_lang=en" in cookie else "zh"
        return "en" if environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("en") else "zh"

    def _route(
        self, method: str, path: str, query: dict[str, str], lang: str, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], str]:
        if method == "GET" and path == "/":
            return "200 OK", [], self._home(lang)
        if method == "GET" and path == "/thanks" and query.get("checkout"):
            return "200 OK", [], self._order(lang, self.shop.checkout(query["checkout"]))
        if method == "POST" and path.startswith("/buy/") and path[5:] in GOODS:
            made = self._start(path[5:], lang)
            return "303 See Other", [("Location", made.url)], ""
        if method == "POST" and path.startswith("/act/"):
            size = min(int(environ.get("CONTENT_LENGTH") or 0), 2000)
            form = {
                name: values[0]
                for name, values in parse_qs(environ["wsgi.input"].read(size).decode()).items()
            }
            if not secrets.compare_digest(form.get("token", ""), self.token):
                return "403 Forbidden", [], self._page(lang, "<h1>403</h1>")
            self._act(path[5:], form)
            return "303 See Other", [("Location", f"/thanks?checkout={path[5:]}")], ""
        return "404 Not Found", [], self._page(lang, "<h1>404</h1>")

    def _start(self, name: str, lang: str) -> Checkout:
        category, price, names, _picture = GOODS[name]
        made = self.shop.create_checkout(
            order_id=f"{name}-{secrets.token_hex(4)}-{next(self.counter)}",
            amount=price,
            category=category,
            description=names[lang],
            return_url=f"{self.own_url}/thanks",
            cancel_url=f"{self.own_url}/thanks",
            items=[{"name": names[lang], "quantity": 1, "amount": price}],
        )
        self.orders = [(made.ref, name), *self.orders][:20]
        return made

    def _act(self, ref: str, form: dict[str, str]) -> None:
        order, verb, key = self.shop.checkout(ref), form.get("verb", ""), form.get("key", "")[:64]
        if verb == "ship":
            self.shop.capture(ref, key=key)
        elif verb == "half":
            self.shop.capture(ref, key=key, amount=(order.capturable / 2).quantize(Decimal("0.01")))
        elif verb == "void":
            self.shop.void(ref)
        elif verb == "refund":
            half = (order.refundable / 2).quantize(Decimal("0.01"))
            self.shop.refund(ref, key=key, amount=half, reason="came back")

    def _home(self, lang: str) -> str:
        words = WORDS[lang]
        cards = "".join(
            f'<article class="card"><p class="big" aria-hidden="true">{picture}</p><h2>{html.escape(names[lang])}</h2>'
            f'<p class="price">¥{Decimal(price):,.2f}</p><form method="post" action="/buy/{name}">'
            f"<button data-lendportal>{words['buy']}</button></form><p><small>{words['other']}</small></p></article>"
            for name, (_category, price, names, picture) in GOODS.items()
        )
        rows = "".join(
            f'<li><a href="/thanks?checkout={ref}">{html.escape(GOODS[name][2][lang])}</a>'
            f"<span>¥{Decimal(GOODS[name][1]):,.2f}</span></li>"
            for ref, name in self.orders
        )
        listed = f"<ul class='orders'>{rows}</ul>" if rows else f"<p>{words['none']}</p>"
        return self._page(
            lang,
            f"<h1>{words['shop']}</h1><p>{words['lead']}</p><div class='goods'>{cards}</div>"
            f"<h2>{words['orders']}</h2>{listed}",
        )

    def _order(self, lang: str, order: Checkout) -> str:
        words = WORDS[lang]
        name = dict(self.orders).get(order.ref)
        what = GOODS[name][2][lang] if name else order.order_id
        good = order.status in ("AUTHORISED", "CAPTURED")
        plan = ""
        if order.plan is not None:
            zero = f" {words['zero']}" if order.plan.zero_interest else ""
            plan = f"<dt>{words['plan']}</dt><dd>{order.plan.instalment_count} {words['months']}{zero}</dd>"
        facts = (
            f"<p class='price'>{html.escape(what)} · ¥{order.amount:,.2f}</p>"
            f"<dl><dt>{words['order']}</dt><dd>{html.escape(order.order_id)}</dd><dt>{words['status']}</dt>"
            f"<dd>{words[order.status]}</dd>{plan}<dt>{words['left']}</dt><dd>¥{order.capturable:,.2f}</dd>"
            f"<dt>{words['captured']}</dt><dd>¥{order.captured:,.2f}</dd>"
            f"<dt>{words['refunded']}</dt><dd>¥{order.refunded:,.2f}</dd></dl>"
        )
        return self._page(
            lang,
            f"<h1>{words['thanks'] if good else words['sorry']}</h1><div class='goods'><section class='card'>{facts}"
            f"<p><a href='/'>{words['back']}</a></p></section>{self._counter(lang, order)}</div>",
            at=f"/thanks?checkout={order.ref}&",
        )

    def _counter(self, lang: str, order: Checkout) -> str:
        words, acts = WORDS[lang], []
        if order.capturable:
            acts += [("ship", ""), ("half", "quiet"), ("void", "quiet")]
        if order.refundable:
            acts += [("refund", "quiet")]
        if not acts:
            return ""
        buttons = "".join(
            f'<button class="{kind}" name="verb" value="{verb}">{words[verb]}</button>' for verb, kind in acts
        )
        return (
            f"<section class='card'><h2>{words['staff']}</h2><form class='acts' method='post' action='/act/{order.ref}'>"
            f"<input type='hidden' name='token' value='{self.token}'>"
            f"<input type='hidden' name='key' value='{secrets.token_hex(12)}'>{buttons}</form></section>"
        )

    def _page(self, lang: str, middle: str, *, at: str = "/?") -> str:
        other = "en" if lang == "zh" else "zh"
        return (
            f'<!doctype html><html lang="{"en" if lang == "en" else "zh-Hans"}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{WORDS[lang]["shop"]}</title>'
            f'<style>{STYLE}</style><script src="{self.portal_url}/static/js/checkout.js" defer></script></head>'
            f'<body><header><strong>{WORDS[lang]["shop"]}</strong><a href="{html.escape(at)}lang={other}">{WORDS[lang]["lang"]}</a></header>'
            f"<main>{middle}</main></body></html>"
        )


class Quiet(WSGIRequestHandler):
    """Answer without a line a request."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def key_from(environment: dict[str, str]) -> str:
    """Return the shop's key, from the environment or from the file that the sandbox wrote."""
    if environment.get("LENDPORTAL_KEY"):
        return environment["LENDPORTAL_KEY"]
    return str(json.loads(Path(environment["LENDPORTAL_KEY_FILE"]).read_text("utf-8"))["key"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8002)
    port = parser.parse_args().port
    portal = os.environ.get("LENDPORTAL_URL", "http://127.0.0.1:8000")
    app = App(Shop(portal, key=key_from(dict(os.environ))), f"http://127.0.0.1:{port}", portal)
    with make_server("127.0.0.1", port, app, handler_class=Quiet) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
