"""App Home: what it shows to a person, and what its buttons do. Answers are modals, since Home has no channel.

No Slack transport here; bot.slack.app_home_publisher publishes the view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.commands import channel, registry, subscriptions
from bot.commands.types import ButtonClick, CommandRequest, CommandResponse
from bot.errors import UsageError
from bot.messages import app_home, modals
from bot.messages.app_home import HomeModel
from bot.messages.builder import build_message
from bot.messages.replies import ProviderStates
from bot.queries.current import StatusQueries


def home_model(queries: StatusQueries, person: str, board: ProviderStates | None = None) -> HomeModel:
    """All that a person's Home shows now. ``board`` is a snapshot of all providers, if the caller has one already."""
    own_subscriptions = [s for s in queries.repository.subscriptions() if person in (s.channel, s.created_by)]
    board = queries.quick_snapshot() if board is None else board
    paused = {
        c: pause for c in {s.channel for s in own_subscriptions} if (pause := queries.repository.channel_pause(c))
    }
    return HomeModel(
        person,
        board,
        own_subscriptions,
        queries.channel_preferences(person),
        queries.report_counts(),
        queries.now(),
        paused,
        {s.target: subscriptions.target_name(queries, s.target) for s in own_subscriptions},
        subscriptions.unwatched_targets(queries, own_subscriptions),
    )


def handle_click(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """Handles a click in Home. The answer is a modal; None if the updated Home shows the result."""
    try:
        response = CLICK_HANDLERS[click.action.partition(":")[0]](queries, replace(click, channel=click.person.id))
    except UsageError as error:
        response = CommandResponse(build_message("", [str(error)]))
    if response is None or response.view:
        return response
    return replace(response, view=modals.message_modal(response.message))


def _pick_target(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return subscriptions.open_subscription_modal(queries, click.value)


def _run_query(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    """Runs a read-only command. Other commands are refused, since a button's value can be forged."""
    command = registry.COMMANDS.get(click.value.partition(" ")[0])
    if command is None or not command.is_question:
        raise UsageError("Only questions can be asked here. Use `/brownout` in a channel.")
    response, _ = registry.run_command(queries, click.value, click.person.id, click.person.id, click.person.name)
    return response


def _show_summary(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return _run_query(queries, replace(click, value=f"summary {click.value}"))


def _open_settings(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return channel.settings(queries, CommandRequest((), click.person.id, click.person.id, click.person.name))


CLICK_HANDLERS: dict[str, Callable[[StatusQueries, ButtonClick], CommandResponse | None]] = {
    app_home.PICK: _pick_target,
    app_home.CHANGE: subscriptions.change_subscription,
    app_home.ASK: _run_query,
    app_home.SETTINGS: _open_settings,
    app_home.SUMMARY: _show_summary,
    app_home.REFRESH: lambda _, __: None,
}
