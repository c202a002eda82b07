"""Short ways to say what others than the page see, and a bot that lives through it minute by minute."""

from bot.core import stroke as strokes
from bot.model import Evidence, Outcomes, ProbeResult, Report, World
from tests.core.pages import RULES, at, look, page

API = "acme-api"


def tried(minute, ok=True, vantage="here", surface=API):
    """A probe's result."""
    return ProbeResult(surface, at(minute), ok, vantage, "" if ok else "HTTP 503")


def reported(minute, reporter="ana", surface=API):
    """A person says that it is broken."""
    return Report(surface, reporter, at(minute))


def counted(minute, ok=100, surface=API, **errors):
    """How requests fared in the minute before; ``s503=4`` is four failures of that status."""
    return Outcomes(surface, at(minute - 1), at(minute), ok, {k.removeprefix("s"): n for k, n in errors.items()})


def evidence(*pieces):
    """These pieces, sorted by what they are."""
    kinds = (ProbeResult, Report, Outcomes)
    return Evidence(*(tuple(p for p in pieces if isinstance(p, kind)) for kind in kinds))


def lived(end, *, shown=lambda _: page(), seen=lambda _: (), start=-60, rules=RULES, world=None):
    """The strokes of a bot that looks once a minute at what is shown then, and hears what is seen then.

    ``shown`` gives a page, or None for no look; ``seen`` gives pieces of evidence.
    """
    done = []
    world = world or World("acme")
    for minute in range(start, end + 1):
        if (there := shown(minute)) is not None:
            done.append(strokes.look(world, look(minute, there), rules))
            world = done[-1].world
        pieces = evidence(*seen(minute))
        does = strokes.witness(world, pieces, at(minute), rules) if pieces != Evidence() else None
        done.append(does or strokes.tick(world, at(minute), rules))
        world = done[-1].world
    return done


def probed(ok, *vantages):
    """What probes see: ``ok`` says for a minute whether they answer."""
    return lambda minute: [tried(minute, ok(minute), v) for v in vantages or ("here",)]


def verdict(done, surface=API):
    """The verdict at the end."""
    return done[-1].world.verdict(surface)
