"""Reason sentences are true: over recorded pages, and over incidents of every shape in our own words."""

import lzma
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot import settings
from bot.domain import (
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    PollResult,
    ProviderState,
    Snapshot,
    Stage,
    Update,
    VerdictParameters,
)
from bot.evaluation.replay import replay
from bot.formats import reconstruction, recordings
from bot.rules import transition
from tests.support.sentence_checks import SentenceChecker

SETTINGS = settings.load()
CLAUDE = SETTINGS.provider("claude")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WEB, API, CODE, BATCHES = "rwppv331jlwc", "k8w3r06qmzrp", "yyzkbfz2thpt", "vy0zz4d9qxr9"


def false_claims(provider, changes):
    checker = SentenceChecker(provider)
    return [claim for change in changes for claim in checker.false_claims(change.state, change.at)]


@pytest.mark.parametrize(
    ("name", "provider_id"),
    [
        ("claude/2026-03-02.json", "claude"),
        ("llm-2021-2023/anthropic.json", "claude"),
        ("llm-2021-2023/characterai.json", "characterai"),
        ("llm-2021-2023/openai.json", "openai"),
        ("llm-2024/anthropic.json", "claude"),
        ("llm-2024/characterai.json", "characterai"),
        ("llm-2024/openai.json", "openai"),
    ],
)
def test_no_sentence_over_a_recorded_history_is_false(shared, name, provider_id):
    provider = SETTINGS.provider(provider_id)
    history = reconstruction.read_history((shared / name).read_bytes())
    assert false_claims(provider, replay(history, provider, SETTINGS.rules_for(provider))) == []


def test_no_sentence_over_recorded_polls_is_false(shared):
    provider = SETTINGS.provider("github")
    with lzma.open(shared / "github" / "polls-2020-11_2024-12.ndjson.xz") as file:
        polls = list(recordings.read_recording(file))
    assert false_claims(provider, replay(polls, provider, SETTINGS.rules_for(provider))) == []


# --- incidents of every shape -----------------------------------------------------------------------------------------

CONDITIONS = st.sampled_from([Condition.OPERATIONAL, Condition.DEGRADED, Condition.MAJOR_OUTAGE, Condition.UNKNOWN])
TEXTS = st.sampled_from(
    [
        "We look into it.",
        "The API is slow.",
        "The API is not affected.",
        "The API has recovered.",
        "Users are unable to log in.",
        "Errors on Claude Opus 4.6",
        "claude.ai is down and the API is fine.",
        "All services are down.",
    ]
)
STAGES = st.sampled_from([Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.UNKNOWN])
MOVES = st.lists(
    st.builds(
        lambda c, new: ComponentTransition(c, "", Condition.OPERATIONAL, new),
        st.sampled_from([WEB, API, BATCHES]),
        CONDITIONS,
    ),
    max_size=2,
)
POSTS = st.lists(
    st.tuples(
        st.integers(1, 20), STAGES, TEXTS, MOVES, st.lists(st.sampled_from([WEB, API, CODE, BATCHES]), max_size=2)
    ),
    min_size=1,
    max_size=4,
)
PAGES = st.dictionaries(st.sampled_from([WEB, API, CODE, BATCHES]), CONDITIONS)


def as_polls(posts, pages):
    """A poll a minute; each post appears some minutes after the one before, together with the page of its turn."""
    updates, minute, listed = [], 0, ()
    snapshots = {}
    for number, (wait, stage, text, moves, components) in enumerate(posts):
        minute += wait
        updates.append(Update(f"u{number}", stage, text, NOON + minute * MINUTE, tuple(moves)))
        listed = (*listed, *(Component(c, c, Condition.UNKNOWN) for c in components))
        incident = Incident("i1", "Trouble", stage, Impact.NONE, updates[0].display_at, tuple(updates), listed)
        shown = tuple(Component(c, c, condition) for c, condition in pages[number % len(pages)].items())
        snapshots[minute] = Snapshot("", "", shown, (incident,))
    current = Snapshot("", "", (), ())
    for n in range(minute + 30):
        current = snapshots.get(n, current)
        yield PollResult(NOON + n * MINUTE, current)


@hypothesis_settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(POSTS, st.lists(PAGES, min_size=1, max_size=3))
def test_no_sentence_over_any_incident_is_false(posts, pages):
    context, state, changes = transition.TransitionContext(CLAUDE, VerdictParameters(), {}), ProviderState("claude"), []
    for poll in as_polls(posts, pages):
        changes.append(transition.apply_poll(state, poll, context))
        state = changes[-1].state
    assert false_claims(CLAUDE, changes) == []
