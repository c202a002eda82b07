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


def writer(scenario, **more):
    return CardWriter(replace(scenario.queries(), **more), BOARD)


def says_not_us(scenario):
    said = Override(
        "C1", "acme-api", OverrideKind.NOT_US, scenario.now() + timedelta(hours=1), UserAction(ADA, scenario.now())
    )
    event = Event(EventKind.CORRECTION, "acme", scenario.now(), surface="acme-api", text="x")
    scenario.repository.user_actions.set_override(said, event)


def plain(content):
    return [link_cards.plain_line(line) for line in content.lines]


def test_the_card_of_an_open_incident_says_what_to_do_first(scenario):
    content = writer(scenario.breaks()).card(INCIDENT, "C1")
    assert (content.title, content.status) == ("Acme Acme API partial outage", Status.PARTIAL_OUTAGE)
    assert plain(content)[0].startswith("⛔ Don't retry · next update by 11:")
    assert content.services == ("Acme API",)
    assert content.began_at == START + timedelta(minutes=10)
    assert content.page_url == f"{BOARD}/incidents/i-1"
    assert [b.label for b in content.buttons] == ["Why?", "Subscribe here", "Status", "Timeline", "Summary", "Add note"]


def test_the_card_says_what_to_use_instead(scenario):
    scenario.poll_page(until=90)
    scenario.show((91, "investigating", "We see errors.", RED))
    scenario.conditions = {"c-api": RED}
    scenario.minute = 91
    scenario.poll_page(until=95)
    assert plain(writer(scenario).card(INCIDENT, "C1"))[-1] == "↪️ Use instead: Globex API"


def test_the_card_names_the_outage_that_an_incident_follows(scenario):
    scenario.breaks()
    named = incident((14, "investigating", "Acme is down, and so are we.", RED), identity="g-1", name="Errors")
    moved = replace(named, updates=tuple(replace(u, transitions=None) for u in named.updates))
    broken = (Component("c-globex", "API", RED),)
    scenario._look(GLOBEX, replace(scenario._snapshot(GLOBEX), incidents=(moved,), components=broken))
    content = writer(scenario).card(LinkSubject(LinkKind.INCIDENT, "g-1"), "C1")
    assert any("Follows Acme's incident" in link_cards.plain_line(detail) for detail in content.details)


def test_without_a_board_it_leads_to_the_vendors_page(scenario):
    content = replace(writer(scenario.breaks()), board_url="").card(INCIDENT, "C1")
    assert content.page_url == "https://status.acme.example/i-1"


def test_the_card_of_an_incident_that_ended_today_says_whether_it_is_safe(scenario):
    content = writer(scenario.is_over()).card(INCIDENT, "C1")
    assert content.status is Status.RECOVERING
    assert content.title.startswith("Acme recovering")


def test_the_card_of_an_old_incident_says_nothing_about_now(scenario):
    scenario.is_over()
    scenario.minute += 60 * 24 * 3
    scenario.poll_page()
    content = writer(scenario).card(INCIDENT, "C1")
    assert (content.title, content.is_final) == ("Acme incident resolved: Acme API", True)
    assert plain(content) == ["Lasted 36 min (2 Mar 11:10 UTC to 2 Mar 11:46 UTC)."]


def test_the_card_of_a_front_page_names_each_advice(scenario):
    content = writer(scenario.breaks()).card(PROVIDER, "C1")
    assert content.title == "Acme API partial outage"
    assert plain(content)[0].startswith("⛔ Don't retry: Acme API · next update by 11:")
    assert "✅ Safe to retry: Acme on the web" in plain(content)


def test_a_front_page_where_all_is_well_says_so(scenario):
    scenario.poll_page(until=90)
    content = writer(scenario).card(PROVIDER, "C1")
    assert (content.title, content.status) == ("Acme: operational", Status.OPERATIONAL)
    assert plain(content) == ["✅ Safe to retry: Acme API, Acme on the web"]


def test_a_page_that_was_not_read_lately_is_unknown(scenario):
    scenario.poll_page(until=10)
    scenario.minute += 10
    content = writer(scenario).card(PROVIDER, "C1")
    assert content.status is Status.UNKNOWN
    assert "Safe to retry" not in str(plain(content))


def test_a_provider_that_is_off_can_be_watched_from_its_card(scenario):
    content = writer(scenario, providers=(GLOBEX,), available=(ACME,)).card(
        LinkSubject(LinkKind.UNWATCHED, "acme"), "C1"
    )
    assert content.status is None
    assert [(b.label, b.value) for b in content.buttons] == [("Watch it", "watch acme")]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_button_has_a_handler(scenario, subject):
    for button in writer(scenario.breaks()).card(subject, "C1").buttons:
        assert button.action.partition(":")[0] in CLICK_HANDLERS


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nothing_changes_while_nothing_happens(scenario, subject):
    scenario.breaks()
    digests = set()
    for _ in range(3):
        digests.add(writer(scenario).card(subject, "C1").digest)
        scenario.minute += 1
        scenario.poll_page()
    assert len(digests) == 1


def test_what_the_channel_says_of_a_service_counts_there_alone(scenario):
    scenario.breaks()
    says_not_us(scenario)
    here, there = (writer(scenario).card(INCIDENT, channel).digest for channel in ("C1", "C2"))
    outside = writer(scenario).card(INCIDENT, "C1", is_external=True).digest
    assert here != there
    assert outside == there


def test_own_services_are_named_in_their_channel_alone(scenario):
    scenario.breaks()
    own = {"own_services": lambda: (OwnService("checkout", "Checkout", ("acme-api",), channel="C1"),)}
    assert writer(scenario, **own).card(INCIDENT, "C1").used_by == ("Checkout",)
    assert writer(scenario, **own).card(INCIDENT, "C2").used_by == ()
    assert writer(scenario, **own).card(INCIDENT, "C1", is_external=True).used_by == ()


def test_what_is_gone_has_no_card(scenario):
    scenario.breaks()
    gone = [
        LinkSubject(LinkKind.INCIDENT, "i-9"),
        LinkSubject(LinkKind.PROVIDER, "x"),
        LinkSubject(LinkKind.SERVICE, "x"),
    ]
    assert [writer(scenario).card(subject, "C1") for subject in gone] == [None, None, None]


def test_the_pane_of_an_incident_has_services_and_timeline(scenario):
    pane = writer(scenario.breaks()).pane(INCIDENT, "C1")
    assert pane.services == ("🔶 Acme API: partial outage · don't retry",)
    assert pane.quote == "We see errors."
    assert pane.timeline[-1].startswith("11:10  Acme, investigating")
    assert "“We see errors.”" in pane.timeline[-1]


def test_the_pane_has_no_words_of_our_people_where_others_read(scenario):
    scenario.breaks()
    note = Event(EventKind.NOTE, "acme", scenario.now(), incident="i-1", text="our secret", author="ada", channel="C1")
    news = NewsItem((NewsKind.NOTE,), "note:1", scenario.now(), quote="our secret", by="ada")
    scenario.repository.user_actions.add_note(note, news)
    assert "our secret" in str(writer(scenario).pane(INCIDENT, "C1").timeline)
    assert "our secret" not in str(writer(scenario).pane(INCIDENT, "C2").timeline)
    assert "our secret" not in str(writer(scenario).pane(INCIDENT, "C1", is_external=True).timeline)


def test_the_pane_has_the_boards_page_only_where_slack_may_frame_it(scenario):
    scenario.breaks()
    assert writer(scenario).pane(INCIDENT, "C1").preview_url == ""
    framed = replace(writer(scenario), is_framed=True)
    assert framed.pane(INCIDENT, "C1").preview_url == f"{BOARD}/embed/incidents/i-1"
    assert framed.pane(PROVIDER, "C1").preview_url == ""
