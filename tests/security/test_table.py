"""The table of hostile inputs is whole: sixty numbers, each with its words, once."""

import ast

from tests.security.table import COUNT, ROOT, files


def marked():
    """The arguments of every marker in the tests that names its number."""
    for file in files():
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            is_mark = isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.mark.hostile", "hostile")
            if is_mark and isinstance(node.args[0], ast.Constant):
                yield node.args


def test_every_number_from_one_to_sixty_is_tested():
    assert {args[0].value for args in marked()} == set(range(1, COUNT + 1))


def test_every_number_has_its_words_once():
    assert sorted(args[0].value for args in marked() if len(args) == 3) == list(range(1, COUNT + 1))
