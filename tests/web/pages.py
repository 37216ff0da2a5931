"""What a test reads off a page."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[str, str] = {}
        self.labels: set[str] = set()
        self.fields: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.handlers: list[str] = []
        self.outside: list[str] = []
        self.inline_scripts = 0
        self.headings: list[int] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "style" in given or tag == "style":
            self.styles.append(tag)
        self.handlers += [name for name in given if name.startswith("on")]
        for name in ("src", "href", "action"):
            if given.get(name, "").startswith(("http:", "https:", "//")):
                self.outside.append(given[name])
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.inline_scripts += 1
        if tag == "label":
            self.labels.add(given.get("for", ""))
        if tag in ("input", "select", "textarea"):
            if tag == "input" and given.get("type") == "hidden":
                self.inputs[given.get("name", "")] = given.get("value", "")
            else:
                self.fields.append((tag, given.get("id", "")))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])


def read(content: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(content.decode())
    return reader


def hidden(content: bytes) -> dict[str, str]:
    """Give a page's hidden fields, the token of the forms left out."""
    return {name: value for name, value in read(content).inputs.items() if name != "csrfmiddlewaretoken"}


def words(content: bytes) -> str:
    """Give a page's text."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())
