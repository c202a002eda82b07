"""What a typed text asks for: the command and its words, or a question in words such as “is claude down?”. No I/O.

Grammar is removed here and nowhere else: ``and``, commas, ``for``, ``the``, ``is``, ``down``, ``?`` and the like
(bot/docs/commands.md#questions-in-words). What remains must name something surely (bot.lookup): a text that has
to be guessed changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import groupby

from bot.errors import UsageError
from bot.lookup import Strength, Target

MAX_TARGETS = 50  # of one command
ALL_WORDS = frozenset({"all", "everything", "any", "anything", "every"})
_MAX_SPAN = 6  # words of a name within a sentence
_MAX_SENTENCE = 40  # words of a question that are read
_QUESTION_VERBS = ("status", "retry", "summary", "timeline", "history", "uptime", "why")  # also after the name

_COURTESY = frozenset(
    {
        "please",
        "pls",
        "plz",
        "hey",
        "hi",
        "hello",
        "ok",
        "okay",
        "thanks",
        "thx",
        "brownout",
        "@brownout",
        "/brownout",
        "so",
        "and",
    }
)
_REQUESTS = (("can", "you"), ("could", "you"), ("would", "you"), ("will", "you"), ("i", "want", "to"), ("show", "me"))
_ASKING = frozenset(
    {"is", "are", "was", "were", "isnt", "isn't", "arent", "aren't", "does", "do", "did", "can", "could", "may"}
    | {"should", "shall", "how", "hows", "how's", "what", "whats", "what's", "which", "who", "has", "have", "when"}
    | {"anything", "any", "anyone", "everything"}
)
_UP = frozenset({"up", "ok", "okay", "fine", "working", "works", "work", "online", "available", "back", "healthy"}) | {
    "operational",
    "alive",
    "stable",
    "normal",
    "good",
}
_DOWN = frozenset(
    {"down", "broken", "slow", "degraded", "out", "offline", "unavailable", "dead", "failing", "flaky", "wrong"}
    | {"affected", "outage", "outages", "incident", "incidents", "trouble", "problems", "problem", "errors", "unstable"}
)
_STATE = _UP | _DOWN
_RETRY = frozenset({"retry", "retrying", "resend", "retries", "rerun"})
_SAYINGS: dict[tuple[str, ...], tuple[str, ...]] = {  # whole texts that stand for a command
    **dict.fromkeys([("commands",), ("man",), ("manual",), ("usage",)], ("help",)),
    **dict.fromkeys([("services",), ("providers",), ("all", "services"), ("catalog",)], ("list", "all")),
    **dict.fromkeys([("subscriptions",), ("my", "subscriptions")], ("list",)),
    **dict.fromkeys([(word, "incident") for word in ("last", "latest", "newest")], ("summary", "last")),
}
# words between and around names that change no meaning
_FILLER = (
    frozenset(
        {"the", "a", "an", "of", "for", "on", "in", "at", "to", "from", "with", "about", "my", "our", "your", "this"}
        | {"that", "there", "it", "its", "me", "us", "i", "we", "you", "one", "be", "been", "being", "having", "got"}
        | {"right", "now", "still", "again", "today", "currently", "yet", "already", "really", "actually", "just"}
        | {"everyone", "everybody", "anyone", "anybody", "else", "others", "all", "here", "people", "safe", "status"}
        | {"going", "happening", "up", "s", "if", "or", "not", "any", "anything", "everything", "issues", "alerts"}
        | {"check", "tell", "know", "see", "seeing", "experiencing", "getting", "service", "services", "wrong", "and"}
    )
    | _COURTESY
    | _ASKING
    | _STATE
    | _RETRY
)
_EDGE = frozenset(  # what may stand before and after a name after a command
    {"the", "a", "an", "of", "for", "on", "in", "at", "to", "from", "with", "about", "is", "are", "my", "our", "that"}
    | {
        "please",
        "now",
        "again",
        "still",
        "today",
        "and",
        "alerts",
        "status",
        "if",
        "it",
        "thanks",
        "right",
        "currently",
    }
    | {"down", "up", "broken", "working"}
)
_SEPARATOR = ","
_CONJUNCTIONS = frozenset({"and", "&", "+", "plus"})
_PUNCTUATION = "?!.,;:…\"'“”()*_`\u2018\u2019"


class Polarity(Enum):
    """What a question about the state expects: “is it down?” or “is it up?”."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A typed text: its command (empty for none), and the words after it.

    Attributes:
        verb: The command's name in lower case; empty where the text names none.
        words: The other words, as typed.
        polarity: For a question in words about the state: what it expects; None for everything else.
    """

    verb: str
    words: tuple[str, ...]
    polarity: Polarity | None = None


FindTargets = Callable[[str], tuple[Strength, tuple[Target, ...]]]
ResolveTarget = Callable[[str], Target]


def parse(text: str, verbs: Collection[str]) -> TypedCommand:
    """The command that a text begins with, or the question that it asks, or its words without a command."""
    tokens = _without_courtesy(text.split())
    if not tokens:
        return TypedCommand("", ())
    first = _plain(tokens[0]).removeprefix("/")
    if first in verbs:
        return TypedCommand(first, tuple(tokens[1:]))
    return _saying(tokens) or _without_command(tokens, verbs)


def _without_command(tokens: Sequence[str], verbs: Collection[str]) -> TypedCommand:
    """The question that a text without a command asks, or its words."""
    plain = [_plain(t) for t in tokens[:_MAX_SENTENCE]]
    is_question = plain[0] in _ASKING or tokens[-1].endswith("?") or plain[-1] in _STATE
    if is_question and not _RETRY.isdisjoint(plain):
        return TypedCommand("retry", tuple(tokens))
    if plain[-1] in _QUESTION_VERBS and plain[-1] in verbs and len(plain) > 1:
        return TypedCommand(plain[-1], tuple(tokens[:-1]))
    if is_question:
        return TypedCommand("", tuple(tokens), Polarity.UP if not _UP.isdisjoint(plain) else Polarity.DOWN)
    return TypedCommand("", tuple(tokens))


def _saying(tokens: Sequence[str]) -> TypedCommand | None:
    """The command that a saying stands for; None for other texts. All of these only ask."""
    plain = tuple(p for t in tokens if (p := _plain(t)))
    if plain in _SAYINGS:
        verb, *words = _SAYINGS[plain]
        return TypedCommand(verb, tuple(words))
    if plain[:2] == ("what", "happened"):
        rest = without_grammar(tokens[2:])
        return TypedCommand("history" if rest else "summary", rest)
    return None


def name_in_sentence(find: FindTargets, words: Sequence[str]) -> str:
    """The words of a sentence that name a service; the words that are no grammar if none surely does.

    Empty if the sentence consists of grammar, as “is anything down?” does. Words that are neither name nor grammar are
    passed over only beside an id or a name, not beside a mere word of one.
    """
    plain = [p for w in words[:_MAX_SENTENCE] if (p := _plain(w))]
    for length in range(min(_MAX_SPAN, len(plain)), 0, -1):
        for start in range(len(plain) - length + 1):
            span = plain[start : start + length]
            rest = [*plain[:start], *plain[start + length :]]
            if span[0] in _EDGE or span[-1] in _EDGE or (length == 1 and span[0] in _FILLER):
                continue
            strength, targets = find(" ".join(span))
            is_all_grammar = all(w in _FILLER for w in rest)
            if len(targets) == 1 and (strength >= Strength.NAME or (strength is Strength.WORDS and is_all_grammar)):
                return " ".join(span)
    return " ".join(w for w in plain if w not in _FILLER)


def find_named(find: FindTargets, resolve: ResolveTarget, words: Sequence[str]) -> tuple[Target, ...]:
    """The targets that the words name, each once, as in ``claude, github actions and openai``.

    Raises:
        UsageError: A part names nothing surely, or there are more than ``MAX_TARGETS``. No target is meant then.
    """
    find_once = cache(find)  # of a long list, every word is looked at in several spans
    tokens = [token for token, _ in groupby(_tokens(words))]  # a word that is repeated says nothing more
    targets = {t.id: t for t in _each_named(find_once, resolve, tokens)}
    if len(targets) > MAX_TARGETS:
        raise UsageError(f"{len(targets)} names are too many for one command; it takes {MAX_TARGETS}.")
    return tuple(targets.values())


def split_off_leading_name(find: FindTargets, words: Sequence[str]) -> tuple[bool, tuple[Target, ...], str]:
    """The targets that a text begins with, and the rest of the text, as in ``claude-login I can't log in``.

    The first value is whether the target is sure. A mere word of a name is sure only where no text follows, since prose
    begins with such words too. Without any target, the rest is the whole text.
    """
    tokens = list(words)
    while tokens and _plain(tokens[0]) in _EDGE:
        tokens.pop(0)
    possible: tuple[Target, ...] = ()
    text = " ".join(tokens)
    for length in range(min(_MAX_SPAN, len(tokens)), 0, -1):
        strength, targets = find(" ".join(_plain(t) for t in tokens[:length]))
        rest = tokens[length:]
        if len(targets) == 1 and (strength >= Strength.NAME or not rest):
            return True, targets, " ".join(rest)
        if targets and not possible:
            possible, text = targets, " ".join(rest)
    return False, possible, text


def is_all(words: Sequence[str]) -> bool:
    """Whether the words say ``all``."""
    plain = [p for w in words if (p := _plain(w)) and p not in _EDGE]
    return bool(plain) and all(w in ALL_WORDS for w in plain)


def without_grammar(words: Sequence[str]) -> tuple[str, ...]:
    """The words without grammar before and after them, and without the punctuation of a sentence."""
    tokens = [t for t in _tokens(words) if t != _SEPARATOR]
    return tuple(_strip_edges(tokens))


def _each_named(find: FindTargets, resolve: ResolveTarget, tokens: Sequence[str]) -> Iterator[Target]:
    for part in _split(tokens, {_SEPARATOR}):
        yield from _named_in_part(find, resolve, part)


def _named_in_part(find: FindTargets, resolve: ResolveTarget, part: Sequence[str]) -> Iterator[Target]:
    """The targets of words between commas: one name, names joined by ``and``, or names one after the other."""
    left = list(part)
    while stripped := (_strip_edges(left) if _sure(find, left) is None else left):
        if target := _sure(find, stripped):
            yield target
            return
        joined = _split(stripped, _CONJUNCTIONS)
        if len(joined) > 1:
            for words in joined:
                yield from _named_in_part(find, resolve, words)
            return
        for length in range(min(_MAX_SPAN, len(stripped) - 1), 0, -1):
            if target := _sure(find, stripped[:length]):
                yield target
                left = stripped[length:]
                break
        else:
            yield resolve(" ".join(stripped))
            return


def _sure(find: FindTargets, words: Sequence[str]) -> Target | None:
    """The one target that the words name together; None for several ids one after the other."""
    if len(words) > 1 and all(_is_id(find, word) for word in words):
        return None
    _, targets = find(" ".join(words))
    return targets[0] if len(targets) == 1 else None


def _is_id(find: FindTargets, word: str) -> bool:
    target = _sure(find, [word])
    return target is not None and target.id == word.casefold()


def _split(tokens: Sequence[str], separators: Collection[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.casefold() in separators:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _tokens(words: Sequence[str]) -> list[str]:
    """The words, with commas and semicolons as tokens of their own."""
    text = re.sub(r"[,;]", f" {_SEPARATOR} ", " ".join(words))
    return [word for token in text.split() if (word := token if token == _SEPARATOR else token.strip(_PUNCTUATION))]


def _strip_edges(tokens: Sequence[str]) -> list[str]:
    stripped = list(tokens)
    while stripped and stripped[0].casefold() in _EDGE:
        stripped.pop(0)
    while stripped and stripped[-1].casefold() in _EDGE:
        stripped.pop()
    if len(stripped) > 1 and stripped[0].casefold() in ALL_WORDS:  # “all claude”
        return _strip_edges(stripped[1:])
    return stripped


def _without_courtesy(tokens: Sequence[str]) -> list[str]:
    rest = list(tokens)
    while rest:
        if _plain(rest[0]) in _COURTESY or not _plain(rest[0]):
            rest.pop(0)
            continue
        request = next((r for r in _REQUESTS if tuple(map(_plain, rest[: len(r)])) == r), None)
        if request is None:
            break
        rest = rest[len(request) :]
    return rest


def _plain(token: str) -> str:
    return token.strip(_PUNCTUATION).casefold().replace("\u2019", "'")
