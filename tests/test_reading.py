"""Texts are easy to read: Flesch-Kincaid grades, lengths of sentences, labels, lines of help and log messages."""

import ast
import re
from pathlib import Path

import pytest

from bot import settings
from bot.commands.registry import COMMANDS
from bot.messages.words import ADVICE_STYLES
from tests.support.banned_words import without_code

ROOT = Path(__file__).parents[1]
SETTINGS = settings.load()
ADVICE_FIELDS = ("people", "people_slow", "programs", "programs_slow")
ADVICE = sorted({getattr(s, f) for p in SETTINGS.providers for s in p.surfaces for f in ADVICE_FIELDS} - {""})
MEANINGS = [style.meaning for style in ADVICE_STYLES.values()]
LOG_CALLS = ("debug", "info", "warning", "error", "exception")


def sentences(text):
    return [s for s in re.split(r"(?<=[.!?])\s+|\n+", without_code(text)) if re.search(r"[A-Za-z]{2}", s)]


def words(text):
    return re.findall(r"[A-Za-z][A-Za-z'-]*", without_code(text))


def syllables(word):
    """An estimate: groups of vowels, without a silent e at the end."""
    groups = re.findall(r"[aeiouy]+", word.lower())
    is_silent = word.lower().endswith("e") and not word.lower().endswith(("le", "ee")) and len(groups) > 1
    return max(1, len(groups) - is_silent)


def grade(text):
    """The Flesch-Kincaid grade level."""
    found = words(text)
    per_word = sum(map(syllables, found)) / len(found)
    return 0.39 * len(found) / len(sentences(text)) + 11.8 * per_word - 15.59


def prose(markdown):
    """The paragraphs and lists of a page, without code, tables, headings and addresses."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", markdown, flags=re.DOTALL)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    kept = [line for line in text.splitlines() if not line.startswith(("|", "#", "    ", "<"))]
    return re.sub(r"\n(?=[^\n-])", " ", "\n".join(kept))


@pytest.mark.parametrize("name", ["words", "grade"])
def test_the_measure_tells_easy_from_hard(name):
    easy, hard = "Save your text. Do not send it.", "Subsequent reconciliation necessitates comprehensive deliberation."
    measure = {"words": lambda text: len(words(text)) / len(sentences(text)) + 4 * (text == hard), "grade": grade}[name]
    assert measure(easy) < measure(hard)


def test_advice_is_read_at_grade_eight_or_below():
    assert grade("\n".join([*ADVICE, *MEANINGS])) <= 8


@pytest.mark.parametrize("text", [*ADVICE, *MEANINGS])
def test_a_sentence_of_advice_has_twenty_words_at_most(text):
    assert max(len(s.split()) for s in sentences(text)) <= 20


def test_help_is_read_at_grade_eight_or_below():
    assert grade("\n".join(command.help for command in COMMANDS.values())) <= 8


def test_the_first_screen_of_the_readme_is_read_at_grade_eight_or_below():
    first = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert grade(prose(first)) <= 8


@pytest.mark.parametrize("path", sorted((ROOT / "bot" / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_of_the_manual_is_read_at_grade_ten_or_below(path):
    text = prose(path.read_text(encoding="utf-8"))
    assert grade(text) <= 10


def log_messages():
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_CALLS
            )
            if is_call and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                yield f"{path.name}:{node.lineno}", node.args[0].value


def test_a_log_message_has_120_characters_at_most_before_its_values():
    assert [(at, text) for at, text in log_messages() if len(re.split(r" \w+=%", text)[0]) > 120] == []
