"""The finder of messages, and the proof that none is untranslated."""

import ast
from textwrap import dedent

import pytest

from lendportal import messages
from lendportal.messages import Key


def python(source):
    tree = ast.parse(dedent(source))
    return {key for key, _line in messages.python_keys(tree, messages.refusal_classes([tree]))}


def test_it_finds_what_python_marks():
    assert python(
        """
        from django.utils.translation import gettext_lazy as _, ngettext, pgettext
        from regimes.errors import N_
        a = _("One" " two")
        b = ngettext("%(n)s day", "%(n)s days", 3)
        c = pgettext("verb", "Draw")
        d = N_("Pure")
        e = other("Not this")
        """
    ) == {Key("One two"), Key("%(n)s day", "%(n)s days"), Key("Draw", None, "verb"), Key("Pure")}


def test_it_finds_the_sentences_of_refusals_and_their_heirs():
    assert python(
        """
        class UnableToDraw(Refusal):
            def __init__(self):
                super().__init__("line_frozen", "The line is frozen.")
        class UnableToDrawTwice(UnableToDraw): ...
        raise UnableToDraw("over_limit", "Over by %(amount)s.", params={})
        raise UnableToDrawTwice(code="again", message="Once is enough.")
        raise ValueError("x", "Not this")
        """
    ) == {Key("The line is frozen."), Key("Over by %(amount)s."), Key("Once is enough.")}


def test_it_finds_what_templates_mark():
    found = {
        key
        for key, _line in messages.template_keys(
            '{% load i18n %}{% translate "Draw 5% now" %}{{ _("Pay")|upper }}'
            "{% blocktranslate trimmed with a=b %}You owe\n {{ a }}.{% endblocktranslate %}"
            "{% blocktranslate count n=n %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}",
            "x.html",
        )
    }
    assert found == {Key("Draw 5%% now"), Key("Pay"), Key("You owe %(a)s."), Key("%(n)s day", "%(n)s days")}


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "accounts").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / messages.LOCALE).mkdir(parents=True)
    (tmp_path / "accounts/views.py").write_text(
        'from django.utils.translation import gettext as _\n_("Hello %(name)s")\n_("Good bye")\n'
    )
    return tmp_path


def po(tree, content):
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tree / messages.LOCALE / "accounts.po").write_text(head + content, "utf-8")


def test_it_complains_about_a_missing_translation(tree):
    po(tree, 'msgid "Hello %(name)s"\nmsgstr "你好，%(name)s"\n')
    assert messages.complaints(tree) == ["accounts.po lacks 'Good bye' (accounts/views.py:3)"]


def test_it_complains_about_a_lost_number_and_a_fuzzy_one(tree):
    po(tree, 'msgid "Hello %(name)s"\nmsgstr "你好"\n\n#, fuzzy\nmsgid "Good bye"\nmsgstr "再见"\n')
    told = "\n".join(messages.complaints(tree))
    assert "needs ['name'], its translation has []" in told
    assert "no finished translation of 'Good bye'" in told


def test_it_adds_what_is_new_and_compiles_what_is_whole(tree):
    po(tree, 'msgid "Hello %(name)s"\nmsgstr "你好，%(name)s"\n')
    assert messages.update(tree) == {"accounts": 1}
    assert messages.update(tree) == {}
    assert messages.compile_all(tree) == 1
    assert messages.compile_all(tree) == 0, "nothing changed"
    assert b"\xe4\xbd\xa0\xe5\xa5\xbd" in (tree / messages.LOCALE / "django.mo").read_bytes()
