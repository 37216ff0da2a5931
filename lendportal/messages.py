"""Messages without the gettext tools: find every sentence that a person may read, merge each room's translations, prove none is missing.

Sources are marked by gettext and its kin in Python and templates, by `N_` in pure code, and by being the sentence of
a `Refusal`. Translations are one `.po` a room in `locale/zh_Hans/LC_MESSAGES/`; `django.mo` is made from all of them.
"""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po, write_po

ROOMS = ("accounts", "ledger", "loans", "risk", "credit", "merchants", "regimes", "lendportal")
LOCALE = Path("locale/zh_Hans/LC_MESSAGES")
# how many leading arguments are text: (context?, singular, plural?)
FUNCTIONS = {
    "_": "s",
    "N_": "s",
    "gettext": "s",
    "gettext_lazy": "s",
    "gettext_noop": "s",
    "ngettext": "sp",
    "ngettext_lazy": "sp",
    "pgettext": "cs",
    "pgettext_lazy": "cs",
    "npgettext": "csp",
    "npgettext_lazy": "csp",
}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
TEMPLATE_CALL = re.compile(rf"(?<![\w.])(n?p?gettext|_)\(\s*({LITERAL}(?:\s*,\s*{LITERAL})*)", re.DOTALL)
PLACEHOLDER = re.compile(r"%\((\w+)\)[-+ #0-9.]*[sdifgeEr]|\{(\w*)\}")


class BrokenMessages(Exception):
    """Tell which file cannot be read, and where."""


@dataclass(frozen=True)
class Key:
    """What makes a message one message."""

    text: str
    plural: str | None = None
    context: str | None = None

    @property
    def catalog_id(self) -> str | tuple[str, str]:
        return (self.text, self.plural) if self.plural else self.text


@dataclass(frozen=True)
class Use:
    """One place where a message is used."""

    key: Key
    path: str
    line: int

    @property
    def room(self) -> str:
        """Tell whose file the translation belongs to."""
        parts = Path(self.path).parts
        room = parts[1] if parts[0] == "templates" and len(parts) > 2 else parts[0]
        if room in {"lendportal", "regimes", "admin"}:  # the desk's templates are the roof's
            return "roof"
        return room if room in ROOMS else "web"


# ---- finding ---------------------------------------------------------------------------------------------------------
def sources(base: Path) -> Iterator[Path]:
    """Give every file that may hold a sentence, in a fixed order."""
    for room in ROOMS:
        for path in sorted((base / room).rglob("*.py")):
            if "migrations" not in path.parts and "tests" not in path.parts:
                yield path
    for suffix in ("html", "txt"):
        yield from sorted((base / "templates").rglob(f"*.{suffix}"))


def find_uses(base: Path) -> list[Use]:
    """Find every use of every message below `base`."""
    paths = list(sources(base))
    trees = {path: _parse(path) for path in paths if path.suffix == ".py"}
    refusals = refusal_classes(trees.values())
    uses: list[Use] = []
    for path in paths:
        name = path.relative_to(base).as_posix()
        found = (
            python_keys(trees[path], refusals)
            if path in trees
            else template_keys(path.read_text("utf-8"), name)
        )
        uses.extend(Use(key, name, line) for key, line in found if key.text)
    return uses


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text("utf-8"), filename=str(path))
    except SyntaxError as error:
        raise BrokenMessages(f"{path}:{error.lineno}: {error.msg}") from None


def refusal_classes(trees: Iterable[ast.Module]) -> set[str]:
    """Name `Refusal` and all that descends from it, wherever it stands."""
    parents: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = {_last_name(base) for base in node.bases}
                parents.setdefault(node.name, set()).update(name for name in bases if name)
    known = {"Refusal"}
    while more := {name for name, above in parents.items() if above & known} - known:
        known |= more
    return known


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def python_keys(tree: ast.Module, refusals: set[str]) -> Iterator[tuple[Key, int]]:
    """Find marked strings and the sentences of refusals in a module."""
    meaning = {"N_": "s"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("translation"):
            for alias in node.names:
                if alias.name in FUNCTIONS:
                    meaning[alias.asname or alias.name] = FUNCTIONS[alias.name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call_keys(node, meaning, refusals)
        elif isinstance(node, ast.ClassDef) and node.name in refusals:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _is_super_init(inner):
                    yield from _sentence(inner)


def _call_keys(node: ast.Call, meaning: dict[str, str], refusals: set[str]) -> Iterator[tuple[Key, int]]:
    name = _last_name(node.func)
    if name in refusals:
        yield from _sentence(node)
    shape = meaning.get(name or "") if isinstance(node.func, ast.Name) else FUNCTIONS.get(name or "")
    if not shape:
        return
    texts = [_constant(argument) for argument in node.args[: len(shape)]]
    if len(texts) == len(shape) and all(text is not None for text in texts):
        yield _key(shape, [text or "" for text in texts]), node.lineno


def _is_super_init(node: ast.Call) -> bool:
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and isinstance(function.value, ast.Call)
        and _last_name(function.value.func) == "super"
    )


def _sentence(node: ast.Call) -> Iterator[tuple[Key, int]]:
    """Give the second argument of a refusal, or its `message`."""
    given = node.args[1] if len(node.args) > 1 else None
    given = next((word.value for word in node.keywords if word.arg == "message"), given)
    text = _constant(given) if given is not None else None
    if text:
        yield Key(text), node.lineno


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _key(shape: str, texts: list[str]) -> Key:
    given = dict(zip(shape, texts, strict=True))
    return Key(given["s"], given.get("p"), given.get("c"))


def template_keys(source: str, name: str) -> Iterator[tuple[Key, int]]:
    """Find translated text in a template."""
    from django.utils.translation.template import templatize

    try:
        code = templatize(source, origin=name)
    except SyntaxError as error:
        raise BrokenMessages(f"{name}: {error}") from None
    for match in TEMPLATE_CALL.finditer(code):
        shape = FUNCTIONS[match[1]]
        texts = [ast.literal_eval(text) for text in re.findall(LITERAL, match[2], re.DOTALL)][: len(shape)]
        if len(texts) == len(shape):
            yield _key(shape, texts), code.count("\n", 0, match.start()) + 1


# ---- catalogs --------------------------------------------------------------------------------------------------------
def read_catalog(path: Path) -> Catalog:
    try:
        with path.open("rb") as file:
            return read_po(file, locale="zh_Hans", abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise BrokenMessages(f"{path.name}: {error}") from None


def read_catalogs(base: Path) -> dict[str, Catalog]:
    """Read every room's translations."""
    return {path.stem: read_catalog(path) for path in sorted((base / LOCALE).glob("*.po"))}


def message_key(message: Message) -> Key:
    if isinstance(message.id, str):
        return Key(message.id, None, message.context)
    return Key(message.id[0], message.id[1], message.context)


def merge(catalogs: dict[str, Catalog]) -> Catalog:
    """Merge all rooms into one catalog."""
    whole = Catalog(locale="zh_Hans", project="lendportal", charset="utf-8")
    for catalog in catalogs.values():
        for message in catalog:
            if message.id and is_translated(message):
                whole.add(message.id, message.string, context=message.context)
    return whole


def is_translated(message: Message) -> bool:
    if message.fuzzy:
        return False
    strings = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return bool(strings) and all(strings)


def compile_all(base: Path, *, force: bool = False) -> int:
    """Write django.mo when a translation is newer than it; tell how many messages it then holds, or 0."""
    target = base / LOCALE / "django.mo"
    parts = sorted((base / LOCALE).glob("*.po"))
    if not parts:
        return 0
    newest = max(path.stat().st_mtime_ns for path in (*parts, base / LOCALE))
    if not force and target.exists() and target.stat().st_mtime_ns >= newest:
        return 0
    whole = merge(read_catalogs(base))
    content = io.BytesIO()
    write_mo(content, whole)
    half = target.with_name(f".django.{os.getpid()}.mo")
    half.write_bytes(content.getvalue())
    half.replace(target)
    # the folder's own time changed by the renaming; the catalog is not older than that
    os.utime(target)
    return len(whole)


# ---- proving ---------------------------------------------------------------------------------------------------------
def placeholders(text: str) -> set[str]:
    return {name or braced for name, braced in PLACEHOLDER.findall(text)}


def complaints(base: Path) -> list[str]:
    """List every message that is used without a whole translation, and every translation that lost a number."""
    found: list[str] = []
    translated: dict[tuple[str, str | None], tuple[str, Message]] = {}
    for room, catalog in read_catalogs(base).items():
        for message in catalog:
            if not message.id:
                continue
            found.extend(_mismatches(room, message))
            key = message_key(message)
            place = (key.text, key.context)
            earlier = translated.get(place)
            if earlier and is_translated(message) and earlier[1].string != message.string:
                found.append(f"{room}.po and {earlier[0]}.po translate differently: {key.text!r}")
            if earlier is None or not is_translated(earlier[1]):
                translated[place] = (room, message)
    told: set[Key] = set()
    for use in find_uses(base):
        if use.key in told:
            continue
        told.add(use.key)
        row = translated.get((use.key.text, use.key.context))
        where = f"{use.path}:{use.line}"
        if row is None:
            found.append(f"{use.room}.po lacks {use.key.text!r} ({where})")
        elif not is_translated(row[1]):
            found.append(f"{row[0]}.po has no finished translation of {use.key.text!r} ({where})")
        elif use.key.plural and isinstance(row[1].id, str):
            found.append(f"{row[0]}.po has no plural of {use.key.text!r} ({where})")
    return found


def _mismatches(room: str, message: Message) -> Iterator[str]:
    if not is_translated(message):
        return
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    wanted = set().union(*(placeholders(text) for text in ids))
    strings = [message.string] if isinstance(message.string, str) else list(message.string or [])
    for text in strings:
        if placeholders(text) != wanted:
            yield f"{room}.po: {ids[0]!r} needs {sorted(wanted)}, its translation has {sorted(placeholders(text))}"


def update(base: Path) -> dict[str, int]:
    """Add what is used and nowhere listed to the room's file, without a translation; give the counts by room."""
    catalogs = read_catalogs(base)
    known = {(message_key(m).text, m.context) for catalog in catalogs.values() for m in catalog if m.id}
    added: dict[str, int] = {}
    for use in find_uses(base):
        place = (use.key.text, use.key.context)
        if place in known:
            continue
        known.add(place)
        catalog = catalogs.setdefault(
            use.room, Catalog(locale="zh_Hans", project="lendportal", charset="utf-8")
        )
        catalog.add(use.key.catalog_id, context=use.key.context, locations=[(use.path, use.line)])
        added[use.room] = added.get(use.room, 0) + 1
    for room in added:
        content = io.BytesIO()
        write_po(content, catalogs[room], width=110, sort_output=False, include_lineno=False)
        (base / LOCALE / f"{room}.po").write_bytes(content.getvalue())
    return added
