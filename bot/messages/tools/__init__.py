"""The kinds of ``[[notify]]``: each file renders an announcement for one chat or tool. No I/O."""

from collections.abc import Mapping

from bot.messages.tools import (
    alertmanager,
    discord,
    googlechat,
    incidentio,
    mattermost,
    ntfy,
    opsgenie,
    pagerduty,
    rootly,
    teams,
    webhook,
)
from bot.messages.tools.base import ToolKind

HTTP_KINDS: Mapping[str, ToolKind] = {
    kind.name: kind
    for kind in (
        webhook.KIND,
        pagerduty.KIND,
        opsgenie.KIND,
        opsgenie.JSM_KIND,
        incidentio.KIND,
        rootly.KIND,
        alertmanager.KIND,
        teams.KIND,
        discord.KIND,
        mattermost.KIND,
        googlechat.KIND,
        ntfy.KIND,
    )
}
