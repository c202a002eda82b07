"""What a card says in its channel: what is broken, what to do, and nothing that the channel may not see."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands.buttons import CLICK_HANDLERS
from bot.commands.link_cards import CardWriter
from bot.domain import (
    ChatUser,
    Component,
    Event,
    EventKind,
    LinkKind,
    LinkSubject,
    NewsItem,
    NewsKind,
    Override,
    OverrideKind,
    OwnService,
    UserAction,
)
from bot.messages import link_cards
from bot.messages.words import Status
from tests.support.scenario import ACME, GLOBEX, RED, START, incident

ADA = ChatUser("U1", "ada")
INCIDENT = LinkSubject(LinkKind.INCIDENT, "i-1")
PROVIDER = LinkSubject(LinkKind.PROVIDER, "acme")
BOARD = "https://brownout.example.com"
SUBJECTS = [INCIDENT, PROVIDER, LinkSubject(LinkKind.SERVICE, "acme-api"), LinkSubject(LinkKind.BOARD)]


def writer(town, **more):
    return CardWriter(replace(town.desk(), **more), BOARD)


def says_not_us(town):
    said = Override("C1", "acme-api", OverrideKind.NOT_US, town.now() + timedelta(hours=1), UserAction(ADA, town.now()))
    event = Event(EventKind.CORRECTION, "acme", town.now(), surface="acme-api", text="x")
    town.book.user_actions.set_override(said, event)


def plain(content):
    return [link_cards.plain_line(line) for line in content.lines]


def test_the_card_of_an_open_incident_says_what_to_do_first(town):
    content = writer(town.breaks()).card(INCIDENT, "C1")
    assert (content.title, content.status) == ("Acme Acme API partial outage", Status.PARTIAL_OUTAGE)
    assert plain(content)[0].startswith("⛔ Don't retry · next update by 11:")
    assert content.services == ("Acme API",)
    assert content.began_at == START + timedelta(minutes=10)
    assert content.page_url == f"{BOARD}/incidents/i-1"
    assert [b.label for b in content.buttons] == ["Why?", "Subscribe here", "Status", "Timeline", "Summary", "Add note"]


def test_the_card_says_what_to_use_instead(town):
    town.look(until=90)
    town.show((91, "investigating", "We see errors.", RED))
    town.conditions = {"c-api": RED}
    town.minute = 91
    town.look(until=95)
    assert plain(writer(town).card(INCIDENT, "C1"))[-1] == "↪️ Use instead: Globex API"


def test_the_card_names_the_outage_that_an_incident_follows(town):
    town.breaks()
    named = incident((14, "investigating", "Acme is down, and so are we.", RED), identity="g-1", name="Errors")
    moved = replace(named, updates=tuple(replace(u, transitions=None) for u in named.updates))
    broken = (Component("c-globex", "API", RED),)
    town._look(GLOBEX, replace(town._snapshot(GLOBEX), incidents=(moved,), components=broken))
    content = writer(town).card(LinkSubject(LinkKind.INCIDENT, "g-1"), "C1")
    assert any("Follows Acme's incident" in link_cards.plain_line(detail) for detail in content.details)


def test_without_a_board_it_leads_to_the_vendors_page(town):
    content = replace(writer(town.breaks()), board_url="").card(INCIDENT, "C1")
    assert content.page_url == "https://status.acme.example/i-1"


def test_the_card_of_an_incident_that_ended_today_says_whether_it_is_safe(town):
    content = writer(town.is_over()).card(INCIDENT, "C1")
    assert content.status is Status.RECOVERING
    assert content.title.startswith("Acme recovering")


def test_the_card_of_an_old_incident_says_nothing_about_now(town):
    town.is_over()
    town.minute += 60 * 24 * 3
    town.look()
    content = writer(town).card(INCIDENT, "C1")
    assert (content.title, content.is_final) == ("Acme incident resolved: Acme API", True)
    assert plain(content) == ["Lasted 36 min (2 Mar 11:10 UTC to 2 Mar 11:46 UTC)."]


def test_the_card_of_a_front_page_names_each_advice(town):
    content = writer(town.breaks()).card(PROVIDER, "C1")
    assert content.title == "Acme API partial outage"
    assert plain(content)[0].startswith("⛔ Don't retry: Acme API · next update by 11:")
    assert "✅ Safe to retry: Acme on the web" in plain(content)


def test_a_front_page_where_all_is_well_says_so(town):
    town.look(until=90)
    content = writer(town).card(PROVIDER, "C1")
    assert (content.title, content.status) == ("Acme: operational", Status.OPERATIONAL)
    assert plain(content) == ["✅ Safe to retry: Acme API, Acme on the web"]


def test_a_page_that_was_not_read_lately_is_unknown(town):
    town.look(until=10)
    town.minute += 10
    content = writer(town).card(PROVIDER, "C1")
    assert content.status is Status.UNKNOWN
    assert "Safe to retry" not in str(plain(content))


def test_a_provider_that_is_off_can_be_watched_from_its_card(town):
    content = writer(town, providers=(GLOBEX,), available=(ACME,)).card(LinkSubject(LinkKind.UNWATCHED, "acme"), "C1")
    assert content.status is None
    assert [(b.label, b.value) for b in content.buttons] == [("Watch it", "watch acme")]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_button_has_a_handler(town, subject):
    for button in writer(town.breaks()).card(subject, "C1").buttons:
        assert button.action.partition(":")[0] in CLICK_HANDLERS


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nothing_changes_while_nothing_happens(town, subject):
    town.breaks()
    digests = set()
    for _ in range(3):
        digests.add(writer(town).card(subject, "C1").digest)
        town.minute += 1
        town.look()
    assert len(digests) == 1


def test_what_the_channel_says_of_a_service_counts_there_alone(town):
    town.breaks()
    says_not_us(town)
    here, there = (writer(town).card(INCIDENT, channel).digest for channel in ("C1", "C2"))
    outside = writer(town).card(INCIDENT, "C1", is_external=True).digest
    assert here != there
    assert outside == there


def test_own_services_are_named_in_their_channel_alone(town):
    town.breaks()
    own = {"own_services": lambda: (OwnService("checkout", "Checkout", ("acme-api",), channel="C1"),)}
    assert writer(town, **own).card(INCIDENT, "C1").used_by == ("Checkout",)
    assert writer(town, **own).card(INCIDENT, "C2").used_by == ()
    assert writer(town, **own).card(INCIDENT, "C1", is_external=True).used_by == ()


def test_what_is_gone_has_no_card(town):
    town.breaks()
    gone = [
        LinkSubject(LinkKind.INCIDENT, "i-9"),
        LinkSubject(LinkKind.PROVIDER, "x"),
        LinkSubject(LinkKind.SERVICE, "x"),
    ]
    assert [writer(town).card(subject, "C1") for subject in gone] == [None, None, None]


def test_the_pane_of_an_incident_has_services_and_timeline(town):
    pane = writer(town.breaks()).pane(INCIDENT, "C1")
    assert pane.services == ("🔶 Acme API: partial outage · don't retry",)
    assert pane.quote == "We see errors."
    assert pane.timeline[-1].startswith("11:10  Acme, investigating")
    assert "“We see errors.”" in pane.timeline[-1]


def test_the_pane_has_no_words_of_our_people_where_others_read(town):
    town.breaks()
    note = Event(EventKind.NOTE, "acme", town.now(), incident="i-1", text="our secret", author="ada", channel="C1")
    news = NewsItem((NewsKind.NOTE,), "note:1", town.now(), quote="our secret", by="ada")
    town.book.user_actions.add_note(note, news)
    assert "our secret" in str(writer(town).pane(INCIDENT, "C1").timeline)
    assert "our secret" not in str(writer(town).pane(INCIDENT, "C2").timeline)
    assert "our secret" not in str(writer(town).pane(INCIDENT, "C1", is_external=True).timeline)


def test_the_pane_has_the_boards_page_only_where_slack_may_frame_it(town):
    town.breaks()
    assert writer(town).pane(INCIDENT, "C1").preview_url == ""
    framed = replace(writer(town), is_framed=True)
    assert framed.pane(INCIDENT, "C1").preview_url == f"{BOARD}/embed/incidents/i-1"
    assert framed.pane(PROVIDER, "C1").preview_url == ""
