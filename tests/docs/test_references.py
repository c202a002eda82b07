"""References to documents, in code, configuration and documents: each names a file and an anchor that exist."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.support.markdown import anchors

ROOT = Path(__file__).parents[2]
DOCUMENT_FOLDERS = (Path(), Path("bot/docs"), Path(".github"))  # where a document may be that is named without a path
REFERENCE = re.compile(r"(?<![\w{}./-])((?:[\w.-]+/)*[\w-]+\.md)\b(?:#([\w-]+))?")
SOURCES = [
    ROOT / "CHANGELOG.md",
    ROOT / "README.md",
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "bot" / "docs").glob("*.md")),
    *sorted((ROOT / "bot").rglob("*.py")),
    *sorted((ROOT / "config").rglob("*.toml")),
    *sorted((ROOT / "tests").rglob("*.py")),
]


def comments_and_docstrings(code):
    """What a Python file says about itself; its other strings may name files that are no documents."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(code)) if isinstance(node, nodes)]
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


def references(source):
    """(path, anchor or an empty string) of every document that a file names. Globs such as ``*.md`` are none."""
    text = source.read_text(encoding="utf-8")
    if source.is_relative_to(ROOT / "tests"):
        text = comments_and_docstrings(text)
    return set(REFERENCE.findall(re.sub(r"https?://\S+", "", text)))


def find_document(source, path):
    """The document that a file means by a path: relative to the file, to the root or to a folder of documents."""
    folders = (source.parent, *(ROOT / folder for folder in DOCUMENT_FOLDERS))
    return next((folder / path for folder in folders if (folder / path).is_file()), None)


def is_broken(source, path, anchor):
    document = find_document(source, path)
    return document is None or (anchor != "" and anchor not in anchors(document.read_text(encoding="utf-8")))


NAMING = [source for source in SOURCES if references(source)]


@pytest.mark.parametrize("source", NAMING, ids=[str(source.relative_to(ROOT)) for source in NAMING])
def test_every_document_that_is_named_exists(source):
    assert [reference for reference in sorted(references(source)) if is_broken(source, *reference)] == []


def test_the_sources_are_found():
    assert len(NAMING) > 100


@pytest.mark.parametrize("source", [s for s in SOURCES if s.suffix == ".md"], ids=lambda s: str(s.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(source):
    named = re.findall(r"`((?:bot|tests|config|\.ci|\.github)/[\w./-]+\.\w+)`", source.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
