"""Reads and checks Slack's tokens from the environment, and tells which mode they select.

A secret may be in a file that ``NAME_FILE`` names, as Docker and systemd provide secrets; then it is not in the
process's environment. SLACK_APP_TOKEN selects Socket Mode; SLACK_SIGNING_SECRET without it selects HTTP mode. If both
are set it is Socket Mode, since Slack then sends nothing over HTTP
(bot/docs/slack-limits.md#socket-mode).
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

log = logging.getLogger("brownout")

BOT_VARIABLE, APP_VARIABLE, SIGNING_VARIABLE = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"
PREFIXES = {BOT_VARIABLE: "xoxb-", APP_VARIABLE: "xapp-"}
MIN_SIGNING_LENGTH = 16  # characters; Slack's have 32
MAX_FILE_BYTES = 4096
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Mode = Literal["socket", "http"]


@dataclass(frozen=True, slots=True)
class SlackTokens:
    """Slack's secrets; empty if not set, and never in the repr. ``url`` is another API address (an emulator's)."""

    bot: str = field(default="", repr=False)
    app: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)
    url: str = ""

    @property
    def mode(self) -> Mode | None:
        """How the bot receives from Slack; None if no token is set, so Slack is not used."""
        if not (self.bot or self.app or self.signing):
            return None
        return "socket" if self.app or not self.signing else "http"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be logged."""
        return tuple(value for value in (self.bot, self.app, self.signing) if value)


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """The tokens with errors (``errors``, the bot does not start) and warnings (``warnings``). One sentence each."""

    tokens: SlackTokens
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_tokens(environment: Mapping[str, str]) -> CredentialCheck:
    """The tokens of this environment with all errors and warnings. No sentence contains a value."""
    wrong: list[str] = []
    unwise: list[str] = []
    values = {
        name: _read_value(name, environment, wrong, unwise) for name in (BOT_VARIABLE, APP_VARIABLE, SIGNING_VARIABLE)
    }
    tokens = SlackTokens(
        values[BOT_VARIABLE], values[APP_VARIABLE], values[SIGNING_VARIABLE], environment.get("SLACK_API_URL", "")
    )
    named = {line.split(" ", maxsplit=1)[0].rstrip(":").removesuffix("_FILE") for line in wrong}
    wrong += [
        line
        for name in (BOT_VARIABLE, APP_VARIABLE)
        if name not in named and (line := _format_error(name, values[name], tokens))
    ]
    if tokens.signing and (line := _signing_secret_error(SIGNING_VARIABLE, tokens.signing)):
        wrong.append(line)
    if tokens.app and tokens.signing:
        unwise.append(f"{SIGNING_VARIABLE} is not used: {APP_VARIABLE} is set, so Socket Mode is used")
    return CredentialCheck(tokens, tuple(wrong), tuple(unwise))


@dataclass(slots=True)
class TokenSource:
    """The tokens in use, which can be read again from the environment and the files that it names.

    Attributes:
        environment: Where they come from.
        tokens: The ones in use.
        on_change: Called with new tokens.
    """

    environment: Mapping[str, str]
    tokens: SlackTokens
    on_change: list[Callable[[SlackTokens], None]] = field(default_factory=list)
    _last_errors: tuple[str, ...] = ()

    @property
    def may_change(self) -> bool:
        """Whether a token comes from a file, and so can become another one while the bot runs."""
        return any(self.environment.get(f"{name}_FILE") for name in (BOT_VARIABLE, APP_VARIABLE, SIGNING_VARIABLE))

    def reload(self) -> bool:
        """Reads the tokens again; True if they are others now. Tokens with errors are left out, and said once."""
        check = read_tokens(self.environment)
        if check.errors:
            if check.errors != self._last_errors:
                log.warning("tokens were read again and not used: %s", "; ".join(check.errors))
            self._last_errors = check.errors
            return False
        self._last_errors = ()
        if check.tokens == self.tokens or check.tokens.mode != self.tokens.mode:
            return False
        self.tokens = check.tokens
        for listener in self.on_change:
            listener(check.tokens)
        log.info("Slack tokens were read again: they have changed, and the new ones are used")
        return True


def unreachable_reasons(tokens: SlackTokens, *, is_web_on: bool) -> list[str]:
    """Why the bot could not receive from Slack with right tokens: HTTP mode needs the web server."""
    if tokens.mode != "http" or is_web_on:
        return []
    why = f"{SIGNING_VARIABLE} is set, {APP_VARIABLE} is not"
    return [f"brownout.toml: [web] enabled = false, but HTTP mode ({why}) needs the web server"]


def startup_mistakes(check: CredentialCheck, *, is_web_on: bool) -> list[str]:
    """The errors that keep the bot from starting. Without any token there are none: it writes to the terminal."""
    if not is_slack_wanted(check):
        return []
    return [*check.errors, *unreachable_reasons(check.tokens, is_web_on=is_web_on)]


def is_slack_wanted(check: CredentialCheck) -> bool:
    """Whether any token is set, or a file for one; without, the bot writes to the terminal."""
    return bool(check.tokens.mode) or any("_FILE" in line for line in check.errors)


def _read_value(name: str, environment: Mapping[str, str], wrong: list[str], unwise: list[str]) -> str:
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if not file:
        return value
    if value:
        wrong.append(f"{name} and {name}_FILE are both set; unset one of them")
        return ""
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
            mode = Path(file).stat().st_mode
        text = raw.decode("ascii").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no plain text"
        wrong.append(f"{name}_FILE: {file} can't be read: {reason}")
        return ""
    if not text or len(raw) > MAX_FILE_BYTES:
        wrong.append(f"{name}_FILE: {file} {'is too long for a token' if text else 'is empty'}")
        return ""
    if mode & GROUP_AND_OTHERS:
        unwise.append(f"{name}_FILE: others on this machine may read {file} ({stat.filemode(mode)}); chmod 600 it")
    return text


def _format_error(name: str, value: str, tokens: SlackTokens) -> str | None:
    prefix = PREFIXES[name]
    if not value:
        if name == APP_VARIABLE and tokens.mode == "http":
            return None
        instead = f", or set {SIGNING_VARIABLE} for HTTP mode" if name == APP_VARIABLE else ""
        return f"{name} is not set; it starts with {prefix} (see `brownout docs slack`){instead}"
    if not value.startswith(prefix):
        return f"{name} should start with {prefix}; this value is of another kind"
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"{name} has a blank or a line break in it; it was not copied as it is"
    return None


def _signing_secret_error(name: str, value: str) -> str | None:
    """What is wrong with a signing secret, which has no prefix to check."""
    if value.startswith(("xox", "xapp-")):
        return f"{name} is a token; it should be the signing secret under the app's Basic Information"
    if len(value) < MIN_SIGNING_LENGTH or not value.isascii() or not value.isprintable() or " " in value:
        return f"{name} is too short, or has a blank in it; it was not copied as it is"
    return None
