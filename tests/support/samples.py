"""Alerts, notices and words of a made-up vendor, friendly and hostile, for the tests of what we write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bot.domain import (
    Advice,
    Alert,
    Condition,
    IncidentEnding,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    Stage,
    SurfaceLine,
    Verdict,
)

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def verdict(
    surface="acme-api", call=Advice.HOLD_OFF, exposure=0.0, reason="Hold off Acme API: it is down.", code="down", **more
):
    because = reason.partition(": ")[2].rstrip(".")
    return Verdict(surface, call, NOON, exposure, reason, code, because=because, **more)


def line(name="Acme API", condition=Condition.MAJOR_OUTAGE, says=None, **more):
    return SurfaceLine(name.lower().replace(" ", "-"), name, condition, says or verdict(), **more)


ALERT = Alert(
    incident="i1",
    provider="acme",
    provider_name="Acme",
    title="Errors on the API",
    stage=Stage.INVESTIGATING,
    lines=(line(),),
    posted_at=NOON,
    seen_at=at(2),
    as_of=at(2),
    updates=1,
    url="https://status.acme.example/i1",
)
OVER = replace(
    ALERT,
    stage=Stage.RESOLVED,
    closed_at=at(40),
    ending=IncidentEnding.RESOLVED,
    lines=(
        line(condition=Condition.OPERATIONAL, says=verdict(call=Advice.RETRY_GENTLY, exposure=0.2, reason="Gently.")),
    ),
)


def item(*kinds, **more):
    return NewsItem(kinds or (NewsKind.UPDATE,), "k", at(5), Stage.IDENTIFIED, **more)


def parent(alert=ALERT, kind=NotificationKind.ALERT):
    return Notification("C1", kind, "k", alert)


def reply(news, alert=ALERT):
    return Notification("C1", NotificationKind.REPLY, "k", alert, news=news)


# Vendors' words at their worst: what rings, what is markup, what is invisible, what is too long.
SPICE = (
    *("<!channel>", "<!here>", "@here", "@channel", "<@U123>", "<!subteam^S1>", "<https://evil.example|status.acme>"),
    *("&amp;", "&", "<", ">", "|", "`", "```", "*", "_", "~", "\n", "\n\n", "\t", " ", "\u200b", "\u202e", "\u2066"),
    *(
        "\U0001f469\u200d\U0001f4bb",
        "\U0001f44d\U0001f3fd",
        "e\u0301",
        "\u0627\u0644\u062e\u062f\u0645\u0629",
        "שירות",
        "障害",
        "\ufffd",
        "\x0b",
        "\u2028",
    ),
)
hostile = st.one_of(
    st.lists(st.sampled_from((*SPICE, "We are looking into it.")), max_size=12).map("".join),
    st.tuples(st.sampled_from(SPICE), st.integers(1, 40_000)).map(lambda x: (x[0] * x[1])[:40_000]),
)
conditions = st.sampled_from(Condition)
stages = st.sampled_from(Stage)


@st.composite
def surface_lines(draw):
    call = draw(st.sampled_from(Advice))
    said = verdict(
        call=call, exposure=draw(st.sampled_from([0.0, 0.1, 0.55, 1.0])), reason="Because. " * draw(st.integers(1, 40))
    )
    name = draw(st.sampled_from(["Acme API", "Acme Web & Co", "A <very> long surface's name, as people call it"]))
    return replace(
        line(name, draw(conditions), said),
        people=draw(st.sampled_from(["", "Wait. " * 60])),
        programs=draw(st.sampled_from(["", "Back off. " * 60])),
        inferred=draw(st.booleans()),
    )


@st.composite
def alerts(draw):
    is_over = draw(st.booleans())
    return replace(
        ALERT,
        incident=draw(st.one_of(st.just("i1"), hostile)) or "i",
        title=draw(hostile),
        stage=draw(stages),
        lines=tuple(draw(st.lists(surface_lines(), max_size=12))),
        watched=tuple(draw(st.lists(surface_lines(), max_size=12))),
        posted_at=draw(st.sampled_from([NOON, at(-3000), at(500)])),
        url=draw(st.sampled_from([None, "https://status.acme.example/i1", "https://x|y"])),
        closed_at=at(60) if is_over else None,
        ending=draw(st.sampled_from(IncidentEnding)) if is_over else None,
        again_after=draw(st.sampled_from([None, timedelta(minutes=3)])),
        is_unposted=draw(st.booleans()),
        is_suspected=draw(st.booleans()),
        lead=draw(st.sampled_from([None, timedelta(0), timedelta(minutes=17)])),
    )


@st.composite
def news(draw):
    kinds = draw(st.lists(st.sampled_from(NewsKind), unique=True, min_size=1))
    return NewsItem(
        tuple(kind for kind in NewsKind if kind in kinds),
        "k",
        at(5),
        draw(stages),
        quote=draw(hostile),
        before=draw(hostile),
        change="its words were edited",
        wider=("Acme Web", "Acme API") if NewsKind.WIDENED in kinds else (),
        anew=draw(st.sampled_from([(), ("Acme API",), ("Acme Web", "Acme API")])),
        verdicts=(("Acme API", verdict()),) * draw(st.integers(1, 8)) if NewsKind.VERDICT in kinds else (),
    )
