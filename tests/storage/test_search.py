"""Search: whatever a person types is words to look for, never a question's syntax."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.storage import Repository
from bot.storage.search import fts_query


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    book = Repository.open(tmp_path_factory.mktemp("search") / "book.db")
    yield book.archive
    book.close()


@pytest.mark.hostile(21)
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("login fails", '"login" "fails"'),
        ('"log in" fails', '"log in" "fails"'),
        ("fail*", '"fail"*'),
        ("NOT a AND b", '"NOT" "a" "AND" "b"'),
        ("a:b (c)", '"a:b" "(c)"'),
        ('un"closed', '"un""closed"'),
        ("*** --- ''", ""),
        ("", ""),
    ],
)
def test_words_become_a_quoted_question(typed, wanted):
    assert fts_query(typed) == wanted


@pytest.mark.hostile(21, 'search for `foo"`, `a AND`, `*`, `NEAR(`', "words, quoted: no error whatever is typed")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.text(alphabet=st.sampled_from("ab\"*()^:-+{}[]~,.\\'\x00 NEAROT_%é\U0001f600"), max_size=30)
    | st.text(max_size=30)
)
def test_nothing_that_can_be_typed_breaks_the_search(archive, typed):
    archive.search(typed)
