"""The commands, once: COMMANDS feeds the handlers, the help, the command line, the manifest and the README."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core import catalogue, why
from bot.entry import pasts
from bot.entry.desk import Desk
from bot.entry.question import Ask, Command, Reply
from bot.errors import UsageError
from bot.model import Call, Condition, Message, Subscription
from bot.voice import hands, replies, summary
from bot.voice.sheet import Para, sheet

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
    return replace(reply, message=replace(message, blocks=(*message.blocks, hands.share(text.strip() or "status"))))


def told(desk: Desk, text: str, channel: str, user: str = "", name: str = "") -> tuple[Reply, Command | None]:
    """The bare answer, and the command that gave it; None where it was none of ours, or could not be answered."""
    verb, *rest = text.split() or ["status"]
    command = COMMANDS.get(verb.casefold())
    if command is None:
        return Reply(_unknown(verb)), None
    try:
        return command.answer(desk, Ask(tuple(rest), channel, user, name)), command
    except UsageError as error:
        return Reply(sheet("", [str(error)])), None


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
        return Reply(replies.status(desk.board(), desk.now()))
    target = catalogue.resolve(desk.providers, " ".join(ask.words))
    return Reply(replies.status_of(target.provider, target.surfaces, desk.world(target.provider), desk.now()))


def _retry(desk: Desk, ask: Ask) -> Reply:
    provider, surface = catalogue.surface(desk.providers, _one(ask, "retry"))
    world = desk.world(provider)
    verdict = world.verdict(surface.id)
    message = replies.retry(surface, verdict, world.state(surface.id), desk.now())
    return Reply(message, call=verdict.call if verdict else Call.UNKNOWN)


def _summary(desk: Desk, ask: Ask) -> Reply:
    provider, known, events = desk.incident(" ".join(ask.words) or "last", ask.channel)
    return Reply(summary.summary(known, provider.name, events, desk.surfaces(), desk.now()))


def _why(desk: Desk, ask: Ask) -> Reply:
    provider, known, _ = desk.incident(_one(ask, "why"))
    hits = why.last_attribution(known.incident, provider, desk.now())
    sentences = why.explain(hits, known.incident, provider)
    return Reply(sheet(f"Why: {known.incident.id}", [Para(known.incident.name, is_quote=True), *sentences]))


def _subscribe(desk: Desk, ask: Ask) -> Reply:
    _one(ask, "subscribe")
    levels = [w.removeprefix("min:") for w in ask.words if w.startswith("min:")]
    wanted = [w for w in ask.words if not w.startswith("min:")]
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        raise UsageError(f"I don't know the level “{unknown[0]}”; there are {', '.join(LEVELS)}.")
    minimum = LEVELS[levels[-1]] if levels else Condition.DEGRADED
    targets = [catalogue.resolve(desk.providers, word) for word in wanted]
    if not targets:
        raise UsageError("Which surface or provider? `/brownout subscribe claude` or `/brownout list all`")
    answers = []
    for target in targets:
        desk.book.subscribe(Subscription(ask.channel, target.id, minimum, ask.user, desk.now()))
        answers.append(replies.subscribed(target.id, target.surfaces, minimum, desk.world(target.provider)))
    return Reply(_joined(answers), in_channel=True)


def _unsubscribe(desk: Desk, ask: Ask) -> Reply:
    target = catalogue.resolve(desk.providers, _one(ask, "unsubscribe"))
    was = desk.book.unsubscribe(ask.channel, target.id)
    return Reply(replies.unsubscribed(target.id, was=was), in_channel=was)


def _list(desk: Desk, ask: Ask) -> Reply:
    if ask.words == ("all",):
        return Reply(replies.catalogue(desk.providers))
    return Reply(replies.listing(desk.book.subscriptions(ask.channel)))


def _sources(desk: Desk, _: Ask) -> Reply:
    return Reply(replies.sources(desk.board(), desk.now()))


def _help(_: Desk, ask: Ask) -> Reply:
    wanted = [w for w in ask.words if w in COMMANDS] or list(COMMANDS)
    lines = [f"`/brownout {verb}{' ' if c.usage else ''}{c.usage}` {c.help}" for verb, c in _chosen(wanted).items()]
    return Reply(sheet("What I know", ["\n".join(lines)]))


def _chosen(verbs: Sequence[str]) -> Mapping[str, Command]:
    return {verb: COMMANDS[verb] for verb in verbs}


def _joined(messages: Sequence[Message]) -> Message:
    text = "\n".join(m.text for m in messages)
    return Message(text, tuple(block for m in messages for block in m.blocks))


COMMANDS: dict[str, Command] = {
    "status": Command("[surface]", "what is broken now, or how one surface is", _status, is_question=True),
    "retry": Command("<surface>", "may I retry it: the verdict and its reason", _retry, is_question=True),
    "summary": Command(
        "[incident|surface|last]", "what happened, to what, and the verdicts given", _summary, is_question=True
    ),
    **pasts.VERBS,
    "why": Command("<incident>", "the evidence behind an attribution, in plain sentences", _why, is_question=True),
    "subscribe": Command("<surface|provider>... [min:major]", "alerts for this channel", _subscribe),
    "unsubscribe": Command("<surface|provider>", "ends that", _unsubscribe),
    "list": Command("[all]", "what this channel listens to, or every surface there is", _list, is_question=True),
    "sources": Command("", "when each page was last readable", _sources, is_question=True),
    "help": Command("[verb]", "this", _help),
}
