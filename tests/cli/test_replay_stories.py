"""The small story of every format as a recording: ``replay``, ``score`` and ``backfill`` read it."""

import json
from contextlib import closing
from datetime import timedelta

import pytest

from bot.formats import FORMATS, aws
from bot.storage import Repository
from tests.formats.pages import source
from tests.formats.stories import CLEAR, ENDED, EXPECTED, OPEN, POSTED, bodies
from tests.support.past_incidents import run
from tests.test_engine_stories import MINUTE, TEN, TIMES

POLLS = [
    (CLEAR, TEN - 5 * MINUTE),
    (OPEN, TEN + MINUTE),
    (POSTED, TIMES.posted + MINUTE),
    *((ENDED, TIMES.ended + timedelta(minutes=n)) for n in range(1, 9)),
]


def decoded(body):
    try:
        return json.loads(aws.to_utf8(body))
    except ValueError:
        return body.decode()


@pytest.fixture
def recording(tmp_path, kind):
    """A recording of the story, as a recorder keeps it: one body per poll, or a list of them."""
    lines = []
    for step, at in POLLS:
        found = [decoded(body) for body in bodies(kind, step, TIMES)]
        lines.append(json.dumps({"polled_at": at.isoformat(), "body": found[0] if len(found) == 1 else found}))
    path = tmp_path / f"{kind}.ndjson"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def config(tmp_path, kind):
    """A folder with one provider, of this format."""
    needs = "".join(f"{name} = {json.dumps(getattr(source(kind), name))}\n" for name in FORMATS[kind].needs)
    (tmp_path / "config" / "providers").mkdir(parents=True)
    (tmp_path / "config" / "providers" / "acme.toml").write_text(
        f'id = "acme"\nname = "Acme"\n[source]\nkind = "{kind}"\nurl = "https://status.example.com"\n{needs}'
        '[[surface]]\nid = "acme-api"\nname = "Acme API"\ncomponents = ["API"]\nwords = ["calls", "API"]\n'
    )
    return tmp_path / "config"


def recorded_stages(kind):
    """The stages of the posts that a recording of the page has: of some, the last one is on another page."""
    stages = list(EXPECTED[kind].stages)
    return stages[:-1] if kind in {"statuspage", "incidentio", "slack", "heroku"} else stages


ALL_KINDS = pytest.mark.parametrize("kind", FORMATS)


@ALL_KINDS
def test_replay_plays_the_story(kind, recording, config):
    told = run("replay", recording, "--provider", "acme", "--config", config, "--json")
    kinds = [json.loads(line)["kind"] for line in told.splitlines()]
    assert (kinds.count("incident_opened"), kinds.count("incident_resolved")) == (1, 1)
    assert kinds.count("update_posted") == len(recorded_stages(kind))


@ALL_KINDS
def test_score_scores_the_story(recording, config, tmp_path):
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"x": [[None, TIMES.ended.isoformat()]]}))
    told = json.loads(run("score", recording, "--provider", "acme", "--truth", truth, "--config", config, "--json"))
    assert told["audible"]["n"] == 1


@ALL_KINDS
def test_backfill_keeps_the_story(kind, recording, config, tmp_path):
    db = tmp_path / "b.db"
    run("backfill", "acme", recording, "--config", config, "--db", db)
    with closing(Repository.open(db)) as repository:
        [incident] = [repository.tracked_incident(i)[1].incident for i in repository.incident_ids()]
    assert (incident.name, [u.stage for u in incident.updates]) == (EXPECTED[kind].title, recorded_stages(kind))
