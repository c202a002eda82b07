"""The commands, once: COMMANDS feeds the handlers, the help, the command line, the manifest and the README."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core import catalogue, why
from bot.entry import deeds, digests, health, pasts, typed, watching
from bot.entry.desk import Desk
from bot.entry.question import Ask, Command, Reply
from bot.errors import UsageError
from bot.model import Call, Condition, Message, Subscription
from bot.voice import hands, replies, summary, ways
from bot.voice.sheet import Para, joined, sheet

LEVELS = {
    "degraded": Condition.DEGRADED,
    "partial": Condition.PARTIAL_OUTAGE,
    "major": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
}


def answer(desk: Desk, text: str, channel: str, user: str = "", name: str = "") -> Reply:
    """The answer to what was typed after ``/brownout``, with a way to share it. Never raises for what was typed."""
    reply, command = told(desk, text, channel, user, name)
    if command is None or not command.is_question or reply.in_channel or len(text) > hands.LONGEST:
        return reply
    message = reply.message
    row = hands.share(text.strip() or "status", reply.export)
    return replace(reply, message=replace(message, blocks=(*message.blocks, row)))


def only_reads(text: str) -> bool:
    """True where the answer changes nothing, so that it may come from another connection."""
    command = COMMANDS.get((text.split() or ["menu"])[0].casefold())
    return command is None or command.is_question or command in (COMMANDS["menu"], COMMANDS["help"])


def told(desk: Desk, text: str, channel: str, user: str = "", name: str = "") -> tuple[Reply, Command | None]:
    """The bare answer, and the command that gave it; None where it was none of ours, or could not be answered."""
    verb, *rest = sound(text).split() or ["menu"]
    command = COMMANDS.get(verb.casefold())
    if command is None:
        return Reply(_unknown(verb)), None
    asked = Ask(tuple(rest), channel, user, name)
    ask = _addressed(command, asked)
    is_own = command.is_of_channel and ask.channel == user  # what is one's own, one may end
    if command.is_guarded and not is_own and not deeds.may_be(desk, user):
        return Reply(hands.denied(desk.admins, unasked=desk.unasked())), None
    try:
        return _from_afar(command.answer(desk, ask), asked, ask), command
    except UsageError as error:
        return Reply(_choice(error, text)), None


def sound(text: str) -> str:
    """The text as it can be kept: half of a character (JSON may hold a lone surrogate) becomes a question mark."""
    return text.encode(errors="replace").decode()


def _addressed(command: Command, ask: Ask) -> Ask:
    """The question for the channel that it names, or for the person where it says ``me``; else for where it is."""
    if not command.is_of_channel:
        return ask
    named, rest = typed.channel(ask.words, ask.user)
    return replace(ask, words=rest, channel=named or ask.channel)


def _from_afar(reply: Reply, asked: Ask, ask: Ask) -> Reply:
    """What concerns one person is told to nobody else; what concerns another channel says so."""
    if ways.is_person(ask.channel):
        return replace(reply, in_channel=False)
    if ask.channel == asked.channel:
        return reply
    return replace(reply, message=joined([sheet("", ["For the channel that you named:"]), reply.message]))


def _choice(error: UsageError, text: str) -> Message:
    """What was wrong; where it could be one of several, a button for each."""
    message = sheet("", [str(error)])
    if not error.choices or error.typed not in text:
        return message
    asks = hands.asks((choice, choice.join(text.rsplit(error.typed, 1))) for choice in error.choices)
    return replace(message, blocks=(*message.blocks, asks))


def _unknown(verb: str) -> Message:
    near = difflib.get_close_matches(verb.casefold(), COMMANDS, n=1, cutoff=0.5)
    meant = f" Did you mean `{near[0]}`?" if near else ""
    return sheet("", [f"I don't know “{verb}”.{meant} `help` lists what I know."])


def _one(ask: Ask, verb: str) -> str:
    if not ask.words:
        raise UsageError(f"`{verb}` needs to know which one: `/brownout {verb} {COMMANDS[verb].usage}`")
    return " ".join(ask.words)


def _status(desk: Desk, ask: Ask) -> Reply:
    if not ask.words:
        return Reply(deeds.status(desk))
    target = catalogue.resolve(desk.providers, " ".join(ask.words))
    shown = replies.status_of(target.provider, target.surfaces, desk.world(target.provider), desk.now())
    counts = {s.id: n for s in target.surfaces if (n := desk.reported().get(s.id))}
    return Reply(joined([shown, sheet("", ways.reported(counts, desk.surfaces()))]))


def _retry(desk: Desk, ask: Ask) -> Reply:
    provider, surface = catalogue.surface(desk.providers, _one(ask, "retry"))
    world = desk.world(provider)
    verdict = world.verdict(surface.id)
    message = replies.retry(surface, verdict, world.state(surface.id), desk.now())
    return Reply(message, call=verdict.call if verdict else Call.UNKNOWN)


def _summary(desk: Desk, ask: Ask) -> Reply:
    provider, known, events = desk.incident(" ".join(ask.words) or "last", ask.channel)
    people = desk.book.people.of(ask.channel, known.incident.id)
    judged = digests.judged(desk, provider, known)
    told = summary.summary(
        *(known, provider.name, events, desk.surfaces(), desk.now()),
        people=people,
        judged=judged,
        seen=desk.seen(known),
    )
    old = sheet("", summary.unwatched(known, desk.book.looked_at(provider.id), desk.now()))
    return Reply(joined([told, old]), export=f"summary {known.incident.id}")


def _why(desk: Desk, ask: Ask) -> Reply:
    provider, known, _ = desk.incident(_one(ask, "why"))
    hits = why.last_attribution(known.incident, provider, desk.now())
    sentences = why.explain(hits, known.incident, provider)
    return Reply(sheet(f"Why: {known.incident.id}", [Para(known.incident.name, is_quote=True), *sentences]))


def _subscribe(desk: Desk, ask: Ask) -> Reply:
    _one(ask, "subscribe")
    minimum, mention, wanted = _rules(ask.words)
    targets = [catalogue.resolve(desk.providers, word) for word in wanted]
    if not targets:
        raise UsageError("Which surface or provider? `/brownout subscribe claude` or `/brownout list all`")
    answers = []
    for t in targets:
        desk.book.subscribe(Subscription(ask.channel, t.id, minimum, ask.user, desk.now(), mention))
        world = desk.world(t.provider)
        answers.append(replies.subscribed(t.id, t.surfaces, minimum, world, mention, channel=ask.channel))
    if desk.book.retry(ask.channel):
        answers.append(sheet("", [ways.RETRIED]))
    return Reply(joined(answers), in_channel=True, posts_to=ask.channel)


def _rules(words: Sequence[str]) -> tuple[Condition, str, tuple[str, ...]]:
    """From which condition up, whom it rings, and the words that are neither."""
    levels = [w.removeprefix("min:") for w in words if w.startswith("min:")]
    rings = [typed.mention(w.removeprefix("mention:")) for w in words if w.startswith("mention:")]
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        raise UsageError(f"I don't know the level “{unknown[0]}”; there are {', '.join(LEVELS)}.")
    minimum = LEVELS[levels[-1]] if levels else Condition.DEGRADED
    rest = tuple(w for w in words if not w.startswith(("min:", "mention:")))
    return minimum, rings[-1] if rings else "", rest


def _unsubscribe(desk: Desk, ask: Ask) -> Reply:
    target = catalogue.resolve(desk.providers, _one(ask, "unsubscribe"))
    was = desk.book.unsubscribe(ask.channel, target.id)
    return Reply(replies.unsubscribed(target.id, was=was, channel=ask.channel), in_channel=was)


def _list(desk: Desk, ask: Ask) -> Reply:
    if ask.words == ("all",):
        return Reply(replies.catalogue(desk.providers))
    subscriptions, pause = desk.book.subscriptions(ask.channel), desk.book.paused(ask.channel)
    return Reply(replies.listing(subscriptions, desk.habits(ask.channel), desk.now(), pause))


def _help(_: Desk, ask: Ask) -> Reply:
    wanted = [w.casefold() for w in ask.words]
    if strange := [w for w in wanted if w not in COMMANDS]:
        return Reply(_unknown(strange[0]))
    lines = [f"`/brownout {verb}{' ' if c.usage else ''}{c.usage}` {c.help}" for verb, c in _chosen(wanted).items()]
    more = [COMMANDS[verb].more for verb in wanted if COMMANDS[verb].more]
    return Reply(sheet("What I know", ["\n".join(lines), *more]))


def _chosen(verbs: Sequence[str]) -> Mapping[str, Command]:
    return {verb: COMMANDS[verb] for verb in verbs or COMMANDS}


_HOW_TO_SUBSCRIBE = (
    "Surfaces by their id, their name or a part of it; a provider is all of its surfaces. `min:major` alerts only from"
    " a complete outage up (degraded, partial, major, maintenance). `mention:@group` rings a user group or a person"
    " when it is down completely, once per incident. `#channel` subscribes that channel instead of this one, and `me`"
    " your direct messages; in those, nothing needs to be said."
)
_HOW_TO_MUTE = (
    "`mute claude-login 4h`, `mute claude 30m`, `mute all 2h` (1h where you say nothing). New incidents wait until it"
    " ends, and are told then if they are still open; messages that stand are kept up to date, without a sound."
)

_HOW_TO_DIGEST = (
    "A digest tells what broke, the minutes lost on each surface, how right the verdicts were, and what is planned:"
    " `settings digest daily 09:00 Europe/Berlin`, `settings digest weekly mon 9:00`, `settings digest off`; with"
    " `calm:off` it is left out where nothing broke. Without a zone, times are UTC."
)

COMMANDS: dict[str, Command] = {
    "menu": Command("", "what is broken, and buttons for the rest; the bare command does the same", deeds.menu),
    "status": Command("[surface]", "what is broken now, or how one surface is", _status, is_question=True),
    "retry": Command("<surface>", "may I retry it: the verdict and its reason", _retry, is_question=True),
    "summary": Command(
        "[incident|surface|last]", "what happened, to what, and the verdicts given", _summary, is_question=True
    ),
    **pasts.VERBS,
    "why": Command("<incident>", "the evidence behind an attribution, in plain sentences", _why, is_question=True),
    "report": Command("<surface> [what you see]", "tells the others that it is broken for you", deeds.report),
    "subscribe": Command(
        "<surface|provider>... [min:major] [mention:@group] [me]",
        "alerts for this channel, or for you alone",
        _subscribe,
        is_of_channel=True,
        more=_HOW_TO_SUBSCRIBE,
    ),
    "unsubscribe": Command("<surface|provider> [me]", "ends that", _unsubscribe, is_of_channel=True, is_guarded=True),
    "mute": Command(
        "<surface|provider|all> [2h]",
        "silence here for a while",
        deeds.mute,
        is_of_channel=True,
        more=_HOW_TO_MUTE,
    ),
    "unmute": Command("[surface|provider|all]", "ends that", deeds.unmute, is_of_channel=True),
    "settings": Command(
        "[digest daily 09:00 Europe/Berlin] [me]",
        "how this channel is told: quiet hours, whom to ring, digest",
        deeds.settings,
        is_of_channel=True,
        is_guarded=True,
        more=_HOW_TO_DIGEST,
    ),
    "list": Command(
        "[all | me]",
        "what this channel listens to, or every surface there is",
        _list,
        is_question=True,
        is_of_channel=True,
    ),
    "watch": Command(
        "<url|provider> [id:name]",
        "finds out what a status page serves, and watches it from now on",
        watching.watch,
        is_guarded=True,
        more=watching.HOW,
    ),
    "sources": Command(
        "", "how each page is doing: last look, next look, failures, lag", health.sources, is_question=True
    ),
    "help": Command("[verb]", "this, or more about one of them", _help),
}
