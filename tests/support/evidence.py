"""Short ways to say what others than the page see, and a bot that lives through it minute by minute."""

from datetime import timedelta

from bot.domain import (
    EvidenceBatch,
    ProbeResult,
    ProviderState,
    RequestOutcomes,
    TeamAlert,
    TrackerReading,
    UserReport,
)
from bot.rules import transition
from tests.support.polls import RULES, at, page, poll_page

API = "acme-api"


def tried(minute, ok=True, vantage="here", surface=API, **sender):
    """A probe's result; ``writer`` and ``is_configured`` say who sent it."""
    return ProbeResult(surface, at(minute), ok, vantage, "" if ok else "HTTP 503", **sender)


def reported(minute, reporter="ana", surface=API, **sender):
    """A person says that it is broken; ``writer`` and ``speaks_for`` say which token sent it."""
    return UserReport(surface, reporter, at(minute), **sender)


def counted(minute, ok=100, surface=API, client="", writer="", **errors):
    """How requests fared in the minute before; ``s503=4`` is four failures of that status."""
    failed = {k.removeprefix("s"): n for k, n in errors.items()}
    return RequestOutcomes(surface, at(minute - 1), at(minute), ok, failed, client=client, writer=writer)


def alerted(minute, name="CheckoutErrors", surface=API, since=None, **more):
    """An alert of the team's own, as it is sent at this minute."""
    began = at(minute if since is None else since)
    return TeamAlert(surface, name, at(minute), began, at(minute) + timedelta(hours=1), **more)


def tracked(minute, is_trouble=True, tracker="Downdetector", text="8 times the usual reports", surface=API):
    """What an outage tracker shows at this minute."""
    return TrackerReading(surface, tracker, at(minute), is_trouble, text)


def evidence(*pieces):
    """These pieces, sorted by what they are."""
    kinds = (ProbeResult, UserReport, RequestOutcomes, TeamAlert, TrackerReading)
    return EvidenceBatch(*(tuple(p for p in pieces if isinstance(p, kind)) for kind in kinds))


def lived(end, *, shown=lambda _: page(), seen=lambda _: (), start=-60, rules=RULES, world=None):
    """The transitions of a bot that looks once a minute at what is shown then, and hears what is seen then.

    ``shown`` gives a page, or None for no poll; ``seen`` gives pieces of evidence.
    """
    done = []
    world = world or ProviderState("acme")
    for minute in range(start, end + 1):
        if (there := shown(minute)) is not None:
            done.append(transition.apply_poll(world, poll_page(minute, there), rules))
            world = done[-1].state
        pieces = evidence(*seen(minute))
        does = transition.apply_evidence(world, pieces, at(minute), rules) if pieces != EvidenceBatch() else None
        done.append(does or transition.advance_time(world, at(minute), rules))
        world = done[-1].state
    return done


def probed(ok, *vantages):
    """What probes see: ``ok`` says for a minute whether they answer. Places other than here have a token of their own."""
    return lambda minute: [tried(minute, ok(minute), v, **sender(v)) for v in vantages or ("here",)]


def sender(vantage):
    """The token of a place, made for it; none for the bot's own probes."""
    return {"writer": f"token-{vantage}", "is_configured": True} if vantage != "here" else {}


def verdict(done, surface=API):
    """The verdict at the end."""
    return done[-1].state.verdict(surface)
