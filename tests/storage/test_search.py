"""Search: whatever a person types is words to look for, never a question's syntax."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain import Event, EventKind, Impact, Incident, Stage, TrackedIncident
from bot.rules.reliability.backfill import BackfilledIncident
from bot.storage import Repository
from bot.storage.full_text import fts_query
from tests.support.stores import place


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    repository = Repository.open(place(tmp_path_factory.mktemp("search") / "b.db"))
    yield repository.archive
    repository.close()


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


# --- Chinese and Japanese ---------------------------------------------------------------------------------------------

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TEXTS = {
    "zh": "我们正在调查登录服务的故障 部分用户无法登录 API。",
    "ja": "ログイン機能で障害が発生しています。調査を続けています。",
    "en": "We are investigating errors of the login.",
}


@pytest.fixture
def posted(repository):
    for name, text in TEXTS.items():
        incident = Incident(name, f"Title {name}", Stage.INVESTIGATING, Impact.MAJOR, NOON)
        event = Event(EventKind.UPDATE_POSTED, "acme", NOON, NOON, name, text=text)
        repository.archive.save_incidents("acme", [BackfilledIncident(TrackedIncident(incident, NOON), (event,))], NOON)
    return repository.archive


def found(archive, typed):
    return sorted(hit.incident for hit in archive.search(typed).found)


@pytest.mark.parametrize(
    ("typed", "incidents"),
    [
        ("登录服务", ["zh"]),
        ("故障", ["zh"]),
        ("障害", ["ja"]),
        ("ログイン", ["ja"]),
        ("障害が発生", ["ja"]),
        ("调查 故障", ["zh"]),
        ("登录 API", ["zh"]),
        ("登录 errors", []),
        ("障害*", ["ja"]),
        ("停机", []),
        ("login", ["en"]),
    ],
)
def test_a_word_inside_a_text_without_spaces_is_found(posted, typed, incidents):
    assert found(posted, typed) == incidents


def test_a_percent_sign_that_was_typed_finds_no_more_than_one_character(posted):
    assert found(posted, "登%障") == []
