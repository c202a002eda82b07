"""Bolt listeners for the forms of declared incidents."""

from __future__ import annotations

from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.commands import declared
from bot.commands.types import CommandResponse
from bot.messages import declared_modals, modals
from bot.queries.current import StatusQueries
from bot.slack.command import answer_or_error
from bot.slack.interactions import acknowledge_form, parse_submission


def register_declarations(app: AsyncApp, queries: StatusQueries) -> None:
    """Adds the forms to the app."""

    async def handle_declaration(ack: Any, body: dict[str, Any]) -> None:
        request = partial(declared.submit_declaration, queries, parse_submission(body))
        result = await answer_or_error(queries.units, "a declaration", request)
        if isinstance(result, CommandResponse) and not result.is_private:
            await ack(response_action="update", view=modals.message_modal(result.message))
        else:
            await acknowledge_form(ack, result, declared_modals.TITLE)

    async def handle_edit(ack: Any, body: dict[str, Any]) -> None:
        submission = parse_submission(body)
        errors = await answer_or_error(queries.units, "a change", partial(declared.submit_edit, queries, submission))
        await acknowledge_form(ack, errors, submission.private_metadata.partition(" ")[0])

    app.view(declared_modals.DECLARE)(handle_declaration)
    app.view(declared_modals.EDIT)(handle_edit)
