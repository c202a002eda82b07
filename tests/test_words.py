"""Every text that people may read has standard words only (bot/docs/glossary.md): in the code, the manual, the files.

Exempt are machine values (code spans, options, SQL), and what vendors write.
"""

import ast
import re
from pathlib import Path

import pytest

from bot import settings
from tests.support.banned_words import banned_words, without_code

ROOT = Path(__file__).parents[1]
BOT, CONFIG = ROOT / "bot", settings.config_dir()
MANUAL = [ROOT / "README.md", *sorted((BOT / "docs").glob("*.md"))]
MODULES = sorted(BOT.rglob("*.py"))
FILES = [ROOT / "manifest.yml", *sorted(CONFIG.rglob("*.toml"))]
TEMPLATES = sorted(BOT.rglob("*.html"))
SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|PRAGMA)\b")


def name_of(path):
    return str(path.relative_to(ROOT if path.is_relative_to(ROOT) else CONFIG))


def texts_of(path):
    """The string literals of a module that may be texts: those with a space that are no docstrings and no SQL."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        if is_text and id(node) not in docstrings and not SQL.match(node.value):
            yield f"line {node.lineno}", without_code(node.value)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_texts_of_a_module_have_standard_words(path):
    assert [(where, found) for where, text in texts_of(path) if (found := banned_words(text))] == []


@pytest.mark.parametrize("path", MANUAL, ids=name_of)
def test_a_page_of_the_manual_has_standard_words(path):
    assert banned_words(without_code(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_of_settings_has_standard_words(path):
    assert banned_words(without_code(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_page_of_the_board_has_standard_words(path):
    assert banned_words(re.sub(r"<[^>]*>|\{[%{].*?[%}]\}", " ", path.read_text(encoding="utf-8"))) == []
