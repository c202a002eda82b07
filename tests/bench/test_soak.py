"""The soak's own arithmetic: tapes play, weather is drawn, and the report finds what it looks for."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.bench.load import missed
from tests.bench.soak.report import disorder, never_came, slope_of
from tests.bench.soak.tapes import Player
from tests.bench.soak.world import Storms, Weather, _renamed

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
START = datetime(2021, 5, 1, tzinfo=UTC)


class Recording:
    """One incident, an hour into the tape; it is over an hour later."""

    times = (START + timedelta(hours=1), START + timedelta(hours=2))

    def summary(self, number):
        update = {"id": "u1", "status": "investigating", "body": "Errors.", "display_at": self.times[0].isoformat()}
        shown = {"id": "i1", "status": "investigating", "impact": "major", "incident_updates": [update]}
        return {"page": {"name": "Acme"}, "incidents": [shown] if number == 1 else []}

    def all(self, number, since):  # noqa: ARG002
        return self.summary(1)["incidents"]

    def own(self, number, incident, since):
        return next((i for i in self.all(number, since) if i["id"] == incident), None)


@pytest.fixture
def player():
    told = []
    made = Player("acme-007", Recording(), START, 60.0, BEGAN, told.append)
    made.told = told
    return made


def after(minutes):
    return BEGAN + timedelta(minutes=minutes)


def shown(player, minutes, path="summary"):
    tag, body = player.answer(path, after(minutes))
    return tag, json.loads(body)


def test_a_tape_plays_at_its_speed(player):
    assert [len(shown(player, m)[1]["incidents"]) for m in (0.5, 1.5, 2.5)] == [0, 1, 0]


def test_what_a_tape_shows_happens_now(player):
    [incident] = shown(player, 1.5)[1]["incidents"]
    assert incident["incident_updates"][0]["display_at"] == "2026-11-01T00:01:00.000+00:00"


def test_every_player_has_ids_of_its_own(player):
    [incident] = shown(player, 1.5)[1]["incidents"]
    assert (incident["id"], incident["incident_updates"][0]["id"]) == ("i1-acme-007", "u1-acme-007")


def test_an_incident_is_found_by_the_id_that_was_shown(player):
    assert shown(player, 2.5, "incidents/i1-acme-007")[1]["incident"]["id"] == "i1-acme-007"


def test_a_post_was_read_once_somebody_asks_with_its_pages_tag(player):
    tag, _ = shown(player, 1.5)
    for asked in ("", "another", tag):
        player.looked(asked)
    shown(player, 2.5)
    assert [(t["looks"], t["updates"][0][1]) for t in player.told] == [(1, "u1-acme-007")]


def test_a_stopped_tape_stands_still(player):
    player.stopped_at = after(1.5)
    assert len(shown(player, 9)[1]["incidents"]) == 1


def test_weather_is_the_same_for_the_same_seed():
    drawn = [Weather.drawn(Random(3), ("500", "hang"), 3600, 100, 30) for _ in range(2)]  # noqa: S311
    assert drawn[0] == drawn[1]


def test_weather_is_bad_within_its_stretches_and_well_between_them():
    weather = Weather([10.0, 50.0], [(20.0, "500"), (51.0, "hang")])
    assert [weather.at(s) for s in (0, 10, 19, 20, 50.5, 99)] == ["", "500", "500", "", "hang", ""]


def test_a_provider_file_gets_ids_and_an_address_of_its_own():
    text = 'id = "acme"\nname = "Acme"\naliases = ["a"]\n[source]\nurl = "https://x"\n[[surface]]\nid = "acme-api"\n'
    made = _renamed(text, "acme-007", "http://127.0.0.1:1/acme-007")
    assert 'id = "acme-007"' in made
    assert 'id = "acme-api-007"' in made
    assert 'url = "http://127.0.0.1:1/acme-007"' in made
    assert "aliases" not in made


@pytest.fixture
def repository():
    made = sqlite3.connect(":memory:")
    made.row_factory = sqlite3.Row
    made.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, channel, key, incident, kind)")
    rows = [("C1", "i:alert", "i", "alert"), ("C1", "i:u1", "i", "reply"), ("C1", "i:u2", "i", "reply")]
    made.executemany("INSERT INTO outbox (channel, key, incident, kind) VALUES (?, ?, ?, ?)", rows)
    yield made
    made.close()


def taken(*keys):
    return [{"channel": "C1", "key": key} for key in keys]


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        (("i:alert", "i:u1", "i:u2"), 0),
        (("i:alert", "i:u1", "i:alert", "i:u2"), 0),  # a copy is no disorder
        (("i:alert", "i:u2", "i:u1"), 1),
        (("i:u1", "i:alert", "i:u2"), 1),
    ],
)
def test_posts_are_out_of_order_where_one_owed_earlier_came_later(repository, keys, wrong):
    assert len(list(disorder(repository, taken(*keys)))) == wrong


def test_what_came_neither_as_a_message_nor_as_an_edit_is_lost(repository):
    repository.execute("ALTER TABLE outbox ADD state DEFAULT 'sent'")
    repository.execute("ALTER TABLE outbox ADD ts DEFAULT '9'")
    repository.execute("INSERT INTO outbox (channel, key, kind, ts) VALUES ('C1', 'back', 'notice', '7')")
    assert [*never_came(repository, taken("i:alert", "i:u1"), {("C1", "7")})] == [("C1", "i:u2")]


def test_a_storm_breaks_one_page_in_ten_for_a_while():
    storms = Storms(600)
    assert [storms.current(s, 20) for s in (0, 599, 600, 779, 780, 1200)] == [None, None, 1, 1, None, 2]
    assert (storms.current(600, 21), Storms(0).current(600, 20)) == (None, None)


def test_a_slope_is_units_an_hour_without_the_first_minutes():
    life = [{"at": 60.0 * minute, "rss": (500 if minute < 2 else 100) + minute} for minute in range(30)]
    assert slope_of(life, "rss", 1) == pytest.approx(60)


def test_a_poll_is_missed_where_the_gap_is_longer_than_jitter_and_lateness():
    assert missed([[0, 60, 130], [0, 78], [0]], 140) == 2
