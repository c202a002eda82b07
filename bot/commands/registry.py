"""The list of commands, and how one is run: used by Slack, the command line, the help and the manual.

``manifest.yml`` repeats the verbs in its usage hint; tests/test_manifest.py compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot import spelling
from bot.commands import channel as commands_channel
from bot.commands import declared, grammar, history, parsing, permissions, questions, subscriptions, watch
from bot.commands import overrides as commands_overrides
from bot.commands.types import Command, CommandRequest, CommandResponse, TypedText
from bot.domain import Message
from bot.errors import NotWatchedError, UsageError
from bot.messages import alert_actions, formatting, preferences, replies, source_health
from bot.messages.builder import build_message, join_messages
from bot.queries import delivery, sources
from bot.queries.current import StatusQueries

_MAX_ECHOED = 60  # characters of what was typed that an answer repeats


def answer_typed(queries: StatusQueries, typed: TypedText) -> CommandResponse:
    """The answer to a mention, a direct message or a command. Wrong input never raises."""
    person = typed.person
    if permissions.is_guest(queries, typed.other_team) and not is_read_only(typed.text):
        return permissions.guest_denied()
    if typed.is_conversation:
        return run_command(queries, typed.text, typed.channel, person.id, person.name, is_conversation=True)[0]
    return answer_command(queries, typed.text, typed.channel, person.id, person.name)


def answer_command(queries: StatusQueries, text: str, channel: str, user: str = "", name: str = "") -> CommandResponse:
    """The answer to the text after ``/brownout``, with a button to share it. Wrong input never raises."""
    response, command = run_command(queries, text, channel, user, name)
    if (
        command is None
        or not command.is_question
        or response.in_channel
        or len(text) > alert_actions.MAX_COMMAND_LENGTH
    ):
        return response
    message = response.message
    share_row = alert_actions.share_buttons(text.strip() or "status", response.export)
    return replace(response, message=replace(message, blocks=(*message.blocks, share_row)))


def is_read_only(text: str) -> bool:
    """True if the text changes nothing, so that it may run on a read-only connection."""
    command = COMMANDS.get(_parse(text).verb)
    return command is None or command.is_question or command in (COMMANDS["menu"], COMMANDS["help"])


def run_command(
    queries: StatusQueries, text: str, channel: str, user: str = "", name: str = "", *, is_conversation: bool = False
) -> tuple[CommandResponse, Command | None]:
    """The answer without a share button, and its command; None if it is unknown, not allowed, or was used wrongly.

    With ``is_conversation``, the text was written to the bot in prose: what it can't use is answered with the questions
    that work.
    """
    text = " ".join(sanitize_text(text).split())
    typed = _parse(text)
    command = _find_command(typed)
    request = _with_target_channel(command, CommandRequest(typed.words, channel, user, name, origin=channel))
    is_own = command.is_of_channel and request.channel == user  # everybody may change their own direct messages
    if command.is_guarded and not is_own and not permissions.is_admin(queries, user):
        return permissions.denied(queries), None
    try:
        response = command.answer(queries.seen_from(request.channel), request)
    except UsageError as error:
        if (
            not typed.verb
            and not typed.polarity
            and (unknown := _unknown_text(error, text, is_conversation=is_conversation))
        ):
            return CommandResponse(unknown), None
        return CommandResponse(_error_message(queries, error, text)), None
    return _adapt_to_origin(response, request), command


def _find_command(typed: grammar.TypedCommand) -> Command:
    """The command of a typed text. A text without a command is a question, or the name of a service."""
    if typed.verb:
        return COMMANDS[typed.verb]
    if typed.polarity:
        in_words = questions.status_in_words(typed.polarity is grammar.Polarity.UP)
        return replace(COMMANDS["status"], answer=in_words)
    return replace(COMMANDS["status"], answer=questions.status_of_name)


def _parse(text: str) -> grammar.TypedCommand:
    return grammar.parse(sanitize_text(text), COMMANDS)


def sanitize_text(text: str) -> str:
    """The text as the database can store it: a lone surrogate (JSON may hold one) becomes a question mark."""
    return text.encode(errors="replace").decode()


def _with_target_channel(command: Command, request: CommandRequest) -> CommandRequest:
    """The request for the channel that its words name, or for the person where they say ``me``."""
    if not command.is_of_channel:
        return request
    channel, rest = parsing.split_off_channel(request.words, request.user)
    return replace(request, words=rest, channel=channel or request.channel)


def _adapt_to_origin(response: CommandResponse, request: CommandRequest) -> CommandResponse:
    """Keeps an answer private that is about a person's direct messages, or about another channel."""
    if preferences.is_direct_message(request.channel) or request.is_from_elsewhere:
        return replace(response, in_channel=False)
    return response


def _error_message(queries: StatusQueries, error: UsageError, text: str) -> Message:
    """The error's text, with a button for each choice and for what else to do."""
    message, choices = build_message("", [str(error)]), [*_choice_commands(error, text), *error.actions]
    if isinstance(error, NotWatchedError) and queries.admins:
        admins = alert_actions.permission_denied_message(queries.admins)
        message = join_messages([message, admins])
    if not choices:
        return message
    blocks = message.blocks
    if error.question:
        blocks = build_message("", [error.question]).blocks
    return replace(message, blocks=(*blocks, alert_actions.question_buttons(choices)))


def _choice_commands(error: UsageError, text: str) -> Iterator[tuple[str, str]]:
    """A label and a command for each choice: the text with the choice in place of what could not be used."""
    start = text.casefold().rfind(error.typed.casefold()) if error.typed else -1
    if start >= 0 and len(text.casefold()) == len(text):
        end = start + len(error.typed)
        yield from (
            (label, f"{text[:start]}{c}{text[end:]}") for label, c in zip(error.labels, error.choices, strict=False)
        )


def _unknown_text(error: UsageError, text: str, *, is_conversation: bool) -> Message | None:
    """The answer to a text that is neither a command nor a name; None if it is nearly a name."""
    verb = text.partition(" ")[0]
    if spelling.nearest(verb, COMMANDS):
        return _unknown_command(verb, text)
    if error.choices or isinstance(error, NotWatchedError):
        return None
    if not is_conversation:
        return _unknown_command(verb, text)
    return _with_buttons(build_message("", [replies.WORKING_QUESTIONS]), [("Status", "status"), ("Help", "help")])


def _unknown_command(verb: str, text: str) -> Message:
    near = spelling.nearest(verb, COMMANDS)
    typed = formatting.truncate(verb, _MAX_ECHOED, "…")
    message = build_message("", [f"Unknown command “{typed}”.{f' Did you mean `{near[0]}`?' if near else ''}"])
    corrected = [(near[0].capitalize(), f"{near[0]}{text[len(verb) :]}")] if near else [("Status", "status")]
    return _with_buttons(message, [*corrected, ("Help", "help")])


def _with_buttons(message: Message, questions: Iterable[tuple[str, str]]) -> Message:
    return replace(message, blocks=(*message.blocks, alert_actions.question_buttons(questions)))


def _help(_: StatusQueries, request: CommandRequest) -> CommandResponse:
    verbs = [w.casefold().removeprefix("/") for w in grammar.without_grammar(request.words) if w.casefold() != "me"]
    if unknown := [w for w in verbs if w not in COMMANDS]:
        return CommandResponse(_unknown_command(unknown[0], unknown[0]))
    if not verbs:
        return CommandResponse(build_message("", [_HELP]))
    lines = [f"`/brownout {verb}{' ' if c.usage else ''}{c.usage}` {c.help}" for verb in verbs if (c := COMMANDS[verb])]
    more = [COMMANDS[verb].more for verb in verbs if COMMANDS[verb].more]
    return CommandResponse(build_message("", ["\n".join(lines), *more]))


_HELP = """\
**Ask:** `status [service]` · `retry <service>` · `why` · `summary` · `timeline` · `history` · `uptime`
**Alerts here:** `subscribe <service>` · `unsubscribe` · `mute <service> 2h` · `override` · `settings` · `list`
**Add:** `report <service>` · `note <text>` · `label <text>` · `declare` · `declared`
**Admin:** `watch <url>` · `sources`
Also works: `/brownout claude`, `@Brownout is claude down?`, or a direct message. More: `help unmute`."""


def _sources(queries: StatusQueries, _: CommandRequest) -> CommandResponse:
    health, problems = sources.list_sources(queries), delivery.delivery_lines(queries)
    return CommandResponse(source_health.sources_message(health, queries.now(), problems))


_HOW_TO_SUBSCRIBE = (
    "Several names may follow each other, with commas or `and`. A provider is all of its services. Add a severity:"
    " `degraded` (all severities), `partial`, `outage` or `maintenance`. `mention:@group` mentions a user group or a"
    " person on outage, once per incident. `#channel` means that channel, `me` your direct messages."
)
_HOW_TO_MUTE = (
    "`mute claude-login 4h`, `mute for 1h30m claude`, `mute all until 14:00` (1m to 30d; 1h by default). Incidents that"
    " are still open then are reported. Messages that are there are updated without a notification."
)
_HOW_TO_OVERRIDE = (
    "`override claude-api not us until 14:00`: its trouble does not affect you, and no new alert comes. `override"
    " claude-api broken 2h`: the advice here is not to retry. `override claude-api end` ends it. 1m to 7d; 1h where"
    " you say no end."
)
_HOW_TO_DIGEST = (
    "A digest lists incidents, downtime, the advice record and planned maintenance: `settings digest daily 09:00"
    " Europe/Berlin`, `settings digest weekly mon 9:00`, `settings digest off`. With `calm:off` it is left out if"
    " nothing happened. Without a zone, times are UTC."
)

COMMANDS: dict[str, Command] = {
    "menu": Command("", "the current status, with buttons; the same as the bare command", questions.menu),
    "status": Command(
        "[service|provider]", "what is affected now, or how one service is", questions.status, is_question=True
    ),
    "retry": Command("<service>", "is it safe to retry: the advice and its reason", questions.retry, is_question=True),
    "summary": Command(
        "[incident|service|last]",
        "what happened, what was affected, and the advice given",
        questions.incident_summary,
        is_question=True,
    ),
    **history.HISTORY_COMMANDS,
    "why": Command("[incident|service]", "the evidence for what an incident affects", questions.why, is_question=True),
    "report": Command("<service> [what you see]", "reports that a service is broken for you", commands_channel.report),
    "subscribe": Command(
        "<service|provider>... [severity] [mention:@group] [me]",
        "alerts for this channel, or for you alone",
        subscriptions.subscribe,
        is_of_channel=True,
        more=_HOW_TO_SUBSCRIBE,
    ),
    "unsubscribe": Command("<service|provider> [me]", "ends alerts", subscriptions.unsubscribe, is_of_channel=True),
    "mute": Command(
        "<service|provider|all> [2h | until 14:00]",
        "no new alerts here for a while",
        commands_channel.mute,
        is_of_channel=True,
        more=_HOW_TO_MUTE,
    ),
    "unmute": Command("[service|provider|all]", "ends a mute", commands_channel.unmute, is_of_channel=True),
    "override": Command(
        "[<service> <not us|broken|end> [2h | until 14:00]]",
        "what is true for this channel, not for all",
        commands_overrides.override,
        is_of_channel=True,
        more=_HOW_TO_OVERRIDE,
    ),
    **declared.DECLARED_COMMANDS,
    "settings": Command(
        "[digest daily 09:00 Europe/Berlin] [me]",
        "severity, quiet hours, mention and digest of this channel",
        commands_channel.settings,
        is_of_channel=True,
        is_guarded=True,
        more=_HOW_TO_DIGEST,
    ),
    "list": Command(
        "[all | me]",
        "the subscriptions of this channel, or all services",
        subscriptions.list_subscriptions,
        is_question=True,
        is_of_channel=True,
    ),
    "watch": Command(
        "<url|provider> [id:name]",
        "adds a status page, or switches a provider on",
        watch.watch,
        is_guarded=True,
        more=watch.USAGE,
    ),
    "sources": Command("", "the state of each status page, the worst first", _sources, is_question=True),
    "help": Command("[command]", "this, or more about one command", _help),
}
