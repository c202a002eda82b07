"""The environment -> Slack's tokens and the mode they mean, with what is wrong with them, and what is unwise.

A secret may stand in a file that ``NAME_FILE`` names (Docker and systemd hand secrets out like that): nothing of it is
in the process's environment or arguments then. With SLACK_APP_TOKEN the bot listens by Socket Mode; without it, and
with SLACK_SIGNING_SECRET, by HTTP. Where both are set it is Socket Mode: Slack sends nothing by HTTP then (slack.md 3).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

BOT, APP, SIGNING = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"
KINDS = {BOT: "xoxb-", APP: "xapp-"}
SHORTEST = 16  # of a signing secret; Slack's have 32 figures
LONGEST_FILE = 4096  # bytes
OTHERS = stat.S_IRWXG | stat.S_IRWXO

Mode = Literal["socket", "http"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Slack's secrets; empty where not set, and in no repr. ``url`` is another Slack API (an emulator's)."""

    bot: str = field(default="", repr=False)
    app: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)
    url: str = ""

    @property
    def mode(self) -> Mode | None:
        """How the bot hears Slack; None where it is not wanted there."""
        if not (self.bot or self.app or self.signing):
            return None
        return "socket" if self.app or not self.signing else "http"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no log."""
        return tuple(value for value in (self.bot, self.app, self.signing) if value)


@dataclass(frozen=True, slots=True)
class Found:
    """The tokens; ``wrong`` keeps the bot from starting in Slack, ``unwise`` does not. One sentence each."""

    tokens: Tokens
    wrong: tuple[str, ...] = ()
    unwise: tuple[str, ...] = ()


def read(environment: Mapping[str, str]) -> Found:
    """The tokens of this environment, with every mistake at once; none of their values is in any sentence."""
    wrong: list[str] = []
    unwise: list[str] = []
    values = {name: _value(name, environment, wrong, unwise) for name in (BOT, APP, SIGNING)}
    tokens = Tokens(values[BOT], values[APP], values[SIGNING], environment.get("SLACK_API_URL", ""))
    named = {line.split(" ", maxsplit=1)[0].rstrip(":").removesuffix("_FILE") for line in wrong}
    wrong += [line for name in (BOT, APP) if name not in named and (line := _misshapen(name, values[name], tokens))]
    if tokens.signing and (line := _odd(SIGNING, tokens.signing)):
        wrong.append(line)
    if tokens.app and tokens.signing:
        unwise.append(f"{SIGNING} is not used: {APP} is set, so Slack is heard by Socket Mode")
    return Found(tokens, tuple(wrong), tuple(unwise))


def unheard(tokens: Tokens, *, is_web_on: bool) -> list[str]:
    """Why Slack could not be heard although its tokens are right: its requests come in by the web door."""
    if tokens.mode != "http" or is_web_on:
        return []
    return [f"brownout.toml: [web] enabled = false, but HTTP mode ({SIGNING} is set, {APP} is not) needs that door"]


def mistakes(found: Found, *, is_web_on: bool) -> list[str]:
    """What keeps a bot from starting; with no token at all nothing does, and it draws in the terminal."""
    is_wanted = found.tokens.mode or any("_FILE" in line for line in found.wrong)
    return [*found.wrong, *unheard(found.tokens, is_web_on=is_web_on)] if is_wanted else []


def _value(name: str, environment: Mapping[str, str], wrong: list[str], unwise: list[str]) -> str:
    given, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if not file:
        return given
    if given:
        wrong.append(f"{name} and {name}_FILE are both set; unset one of them")
        return ""
    try:
        with Path(file).open("rb") as opened:
            raw = opened.read(LONGEST_FILE + 1)
            mode = Path(file).stat().st_mode
        text = raw.decode("ascii").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no plain text"
        wrong.append(f"{name}_FILE: {file} can't be read: {why}")
        return ""
    if not text or len(raw) > LONGEST_FILE:
        wrong.append(f"{name}_FILE: {file} {'is too long for a token' if text else 'is empty'}")
        return ""
    if mode & OTHERS:
        unwise.append(f"{name}_FILE: others on this machine may read {file} ({stat.filemode(mode)}); chmod 600 it")
    return text


def _misshapen(name: str, value: str, tokens: Tokens) -> str | None:
    prefix = KINDS[name]
    if not value:
        if name == APP and tokens.mode == "http":
            return None
        instead = f", or set {SIGNING} for HTTP mode" if name == APP else ""
        return f"{name} is not set; it starts with {prefix} (README, 'In your Slack'){instead}"
    if not value.startswith(prefix):
        return f"{name} should start with {prefix}; this value is of another kind"
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"{name} has a blank or a line break in it; it was not copied as it is"
    return None


def _odd(name: str, value: str) -> str | None:
    """What is wrong with a signing secret, which has no prefix to go by."""
    if value.startswith(("xox", "xapp-")):
        return f"{name} is a token; it should be the signing secret under the app's Basic Information"
    if len(value) < SHORTEST or not value.isascii() or not value.isprintable() or " " in value:
        return f"{name} is too short, or has a blank in it; it was not copied as it is"
    return None
