"""Two people at once: a modal writes only what was changed in it, and a channel sees who changes it from elsewhere."""

import json
from datetime import timedelta
from html import unescape

import pytest

from bot.commands.buttons import ModalSubmission, submit_settings
from bot.commands.registry import answer_command
from bot.domain import ChatUser, Condition, Subscription, VerdictParameters
from bot.queries.current import StatusQueries
from bot.storage import mapping
from tests.support.acme import ACME, NOON, Clock
from tests.support.slack_limits import assert_sendable

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")


@pytest.fixture
def clock():
    return Clock(NOON + timedelta(hours=1))


@pytest.fixture
def queries(repository, clock):
    repository.subscribe(Subscription("C1", "acme", Condition.DEGRADED, "U9", NOON, "!subteam^S1|@ops"))
    return StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())


@pytest.fixture
def guarded(queries, repository, clock):
    return StatusQueries((ACME,), repository, clock, queries.rules, frozenset({"U9"}))


def says(queries, text, person=ADA, channel="C1"):
    return answer_command(queries, text, channel, person.id, person.name)


def notices(repository, channel="C1"):
    """The notices that wait for a channel."""
    rows = repository._db.rows("SELECT post FROM outbox WHERE channel = ? ORDER BY id", channel)
    return [mapping.parse(mapping.NOTIFICATION_ADAPTER, row["post"], "a test").about.said for row in rows]


def posted(repository, channel="C1"):
    return [unescape(said.text) for said in notices(repository, channel)]


def opened(queries):
    """What Slack would send back of a modal that nobody touches."""
    view = says(queries, "settings").view
    return view["private_metadata"], json.loads(view["private_metadata"])["shown"]


def save(queries, modal, person, view="V1", **changes):
    metadata, shown = modal
    return submit_settings(queries, ModalSubmission(view, metadata, shown | changes, person))


def test_two_modals_that_are_open_at_once_keep_each_others_changes(queries):
    first, second = opened(queries), opened(queries)
    save(queries, first, ADA, "V1", quiet="22:00-07:00 UTC")
    save(queries, second, BOB, "V2", digest="daily")
    kept = queries.channel_preferences("C1")
    assert (str(kept.quiet.start), kept.digest is not None) == ("22:00:00", True)


def test_saving_nothing_posts_nothing(queries, repository):
    assert save(queries, opened(queries), ADA) == {}
    assert posted(repository) == []


def test_what_is_so_already_is_no_change(queries, repository):
    first, second = opened(queries), opened(queries)
    save(queries, first, ADA, "V1", minimum="major_outage")
    save(queries, second, BOB, "V2", minimum="major_outage")
    assert len(posted(repository)) == 1


def test_a_modal_of_an_earlier_version_is_compared_with_what_is_so_now(queries):
    save(queries, opened(queries), ADA, quiet="22:00-07:00 UTC", maintenance="on")
    submit_settings(queries, ModalSubmission("V2", "C1", {"maintenance": "on", "quiet": "22:00-07:00 UTC"}, BOB))
    kept = queries.channel_preferences("C1")
    assert (kept.maintenance, kept.quiet is not None) == (True, True)


def test_a_modal_is_refused_where_its_person_is_no_admin_any_more(queries, guarded):
    assert list(save(guarded, opened(queries), ADA, quiet="22:00-07:00 UTC")) == ["quiet"]


def test_a_repeated_subscription_keeps_severity_and_mention(queries, repository):
    says(queries, "subscribe acme min:partial")
    says(queries, "subscribe acme")
    [now] = repository.subscriptions("C1")
    assert (now.minimum, now.mention) == (Condition.PARTIAL_OUTAGE, "!subteam^S1|@ops")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mute acme-api 1h <#C1>", "Acme API muted in this channel"),
        ("mute all 30d <#C1>", "Everything muted in this channel"),
        ("unsubscribe acme <#C1>", "No more alerts for Acme in this channel"),
        ("subscribe acme-api <#C1>", "This channel now gets alerts for Acme API"),
        ("subscribe acme min:major <#C1>", "This channel now gets alerts for Acme (2 services, outage only"),
        ("settings digest daily 09:00 <#C1>", "bob changed the alert settings of this channel from another channel"),
    ],
)
def test_a_change_from_elsewhere_is_seen_in_the_channel_with_its_author(queries, repository, text, said):
    answer = says(queries, text, BOB, "CELSE")
    assert not answer.in_channel
    [told] = posted(repository)
    assert said in told
    assert "bob" in told


def test_the_end_of_a_mute_from_elsewhere_is_seen_too(queries, repository):
    says(queries, "mute acme 2h", ADA)
    says(queries, "unmute acme", BOB, "CELSE")
    assert posted(repository) == []
    says(queries, "unmute acme <#C1>", BOB, "CELSE")
    assert posted(repository)[0].startswith("Alerts for Acme are on again in this channel (bob).")


def test_the_notice_can_be_undone_in_its_channel(queries, repository):
    says(queries, "unsubscribe acme <#C1>", BOB, "CELSE")
    [said] = notices(repository)
    [undo] = [e["value"] for b in said.blocks if b["type"] == "actions" for e in b["elements"]]
    says(queries, undo, ADA)
    [again] = repository.subscriptions("C1")
    assert (again.target, again.minimum, again.mention) == ("acme", Condition.DEGRADED, "!subteam^S1|@ops")


@pytest.mark.parametrize(
    "text",
    [
        "mute acme 30d",
        "mute all 30d",
        "mute acme-api, acme-web 2h",
        "unsubscribe acme",
        "subscribe acme min:major",
        "subscribe acme mention:off",
        "subscribe acme mention:<@U1|ada>",
        "settings",
        "settings digest off",
        "mute acme-api 2h <#C1>",
        "unsubscribe acme <#C1>",
        "subscribe acme outage only <#C1>",
    ],
)
def test_whatever_silences_or_weakens_an_alert_is_for_admins(guarded, repository, text):
    origin = "CELSE" if "<#C1>" in text else "C1"
    answer = says(guarded, text, BOB, origin)
    assert "admins" in answer.message.text
    assert (repository.subscriptions("C1")[0].minimum, repository.user_actions.mutes()) == (Condition.DEGRADED, ())
    assert posted(repository) == []


def test_muting_one_service_after_the_other_is_muting_the_whole(guarded, repository):
    says(guarded, "mute acme-api 2h", BOB)
    assert "admins" in says(guarded, "mute acme-web 2h", BOB).message.text
    assert [m.target for m in repository.user_actions.mutes()] == ["acme-api"]


@pytest.mark.parametrize("text", ["mute acme-api 2h", "subscribe acme-api", "subscribe acme maintenance", "unmute"])
def test_what_weakens_nothing_is_for_everybody(guarded, text):
    assert "admins" not in says(guarded, text, BOB).message.text


def test_an_admin_may_do_all_of_it(guarded, repository):
    assert "admins" not in says(guarded, "unsubscribe acme", ChatUser("U9", "eve")).message.text
    assert repository.subscriptions("C1") == ()


def test_who_subscribed_a_channel_a_moment_ago_may_take_it_back(guarded, repository, clock):
    says(guarded, "subscribe acme-api", BOB)
    says(guarded, "unsubscribe acme-api", BOB)
    assert [s.target for s in repository.subscriptions("C1")] == ["acme"]
    says(guarded, "subscribe acme-api", BOB)
    clock.move(minutes=11)
    assert "admins" in says(guarded, "unsubscribe acme-api", BOB).message.text


def test_many_names_are_one_answer_and_each_target_counts_once(queries, repository):
    answer = says(queries, "subscribe " + "acme-api, acme-web " * 1000)
    assert_sendable(answer.message)
    assert len(answer.message.blocks) <= 3
    assert [s.target for s in repository.subscriptions("C1")] == ["acme", "acme-api", "acme-web"]
