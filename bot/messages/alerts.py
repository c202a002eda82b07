"""Notifications as the messages that Slack or a terminal shows. No I/O.

An alert is a header and one section, which Slack never folds away, and an attachment with a coloured bar that holds the
vendor's words, what people did, and the buttons. The top-level text is complete by itself: phones and screen readers
read only that. See bot/docs/alerts.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain import Alert, DeclaredPost, IncidentUserActions, Message, Notice, Notification, NotificationKind
from bot.messages import alert_actions, alert_view, block_kit, formatting, markup, news, notices
from bot.messages.announcement import Announcement, announce

_MENTION = re.compile(  # a user group or a user, with an optional label
    r"(!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>|]*)?"
)
NO_USER_ACTIONS = IncidentUserActions()
MAX_USED_BY = 4  # names of our own services in an alert
_MAX_TEXT = 600  # characters of the text for phones


def render_notification(
    notification: Notification,
    user_actions: IncidentUserActions = NO_USER_ACTIONS,
    link_url: str = "",
    used_by: Sequence[str] = (),
) -> Message:
    """The message of a notification.

    Args:
        notification: The notification.
        user_actions: What people have done about its incident so far.
        link_url: The URL of the message that it points to; empty if that is not known.
        used_by: The names of our own services that use what the alert is about.
    """
    if isinstance(notification.about, Notice):
        return notices.render_notice(notification.about)
    if isinstance(notification.about, DeclaredPost):
        return declared_message(notification, notification.about)
    if notification.kind is NotificationKind.REPLY and notification.news is not None:
        reply = news.reply_message(notification.about, notification.news, link_url)
        return _with_mentions(reply, notification.mentions)
    alert = notification.about
    dependents = markup.clean(formatting.name_list(used_by, MAX_USED_BY))
    message = _alert_message(
        announce(notification, user_actions, link_url),
        alert_view.push_text(alert),
        dependents,
        alert_actions.alert_buttons(alert, user_actions),
    )
    return _with_mentions(message, notification.mentions)


def declared_message(notification: Notification, post: DeclaredPost) -> Message:
    """The message about a declared incident, as it was prepared; its message and the edits of it have one key."""
    is_reply = notification.kind is NotificationKind.REPLY
    return replace(post.said or Message(post.declared.title), key=notification.key if is_reply else post.thread)


def headline(alert: Alert) -> str:
    """What is broken, such as ``Claude partial outage: web, login``."""
    return alert_view.headline(alert).text


def _with_mentions(message: Message, mentions: Iterable[str]) -> Message:
    """The message with its mentions after what is broken; what is not the token of a user or a group is dropped."""
    mention_text = " ".join(f"<{match[1]}>" for mention in mentions if (match := _MENTION.fullmatch(mention)))
    if not mention_text:
        return message
    text = f"{block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT - len(mention_text) - 1)} {mention_text}"
    return replace(message, text=text, blocks=(*message.blocks, block_kit.section(mention_text)))


def _alert_message(
    announcement: Announcement, push_text: str, dependents: str, buttons: list[block_kit.Block]
) -> Message:
    """An announcement as Slack shows it. ``dependents`` are the names of our own services; empty for none."""
    title = announcement.headline
    used_by = [f"{markup.bold('Used by:')} {dependents}"] if dependents else []
    body = "\n".join(markup.to_mrkdwn(line) for line in (*announcement.lines, *used_by))
    push_text += f" Used by {dependents}." if dependents else ""
    details = [markup.to_mrkdwn(text) for text in announcement.details]
    attachment = [*([block_kit.context_elements(details)] if details else []), *buttons]
    return Message(
        block_kit.truncate_mrkdwn(block_kit.escape(push_text), _MAX_TEXT),
        (block_kit.header(f"{title.emoji} {title.text}", emoji=True), block_kit.section(body)),
        key=f"{announcement.incident}:alert",
        attachments=({"color": title.colour, "blocks": attachment},) if attachment else (),
    )
