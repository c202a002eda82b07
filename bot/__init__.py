"""Brownout reports, for each surface of a provider, whether it is broken and whether it is safe to retry.

The packages and modules below are listed by layer, the highest first. A package imports only from layers below its
own; packages of one layer do not import each other (``[tool.importlinter]`` in pyproject.toml, and
bot/docs/architecture.md#layers). "no I/O": all I/O is behind Protocols. "pure": results depend on arguments only.

    cli           the ``brownout`` command, one module per command; ``run`` assembles the bot

    slack         what Slack sends: commands, events, buttons, App Home; Socket Mode or HTTP
    web           the HTTP server: API, evidence from programs, metrics, the board
    mcp_server    read-only tools for coding agents

    commands      the chat's commands and buttons, independent of Slack's transport

    app           the scheduler, periodic jobs, onboarding of providers, maintenance, logging

    queries       answers from the database and the catalog, evaluated at the time of the question

    engine        poll, advance time, apply evidence, publish; I/O is behind Protocols             no I/O
    evaluation    replays recordings, and scores attributions, verdicts and forecasts              no I/O

    adapters      I/O without decisions: HTTP, Slack's API, the terminal, probes, Litestream
    storage       SQLite: state and reads, the outbox, migrations, backups
    settings      reads config/*.toml into Settings, and reports every mistake at once

    notifier      delivers pending notifications from the outbox and records the result            no I/O
    poller        one poll of a page: fetches it, parses it, asks what has to be asked besides     no I/O

    formats       parsers of status pages: bytes to a Snapshot, one module per format              pure
    lookup        finds the service or provider that a person typed                                pure
    messages      texts and Block Kit for alerts, answers, digests and charts                      pure
    rules         changes, attribution, verdicts and alerts from snapshots, evidence and time      pure

    domain        the value types that the packages share                                          pure

    durations     parsing and formatting of durations                                              pure
    spelling      names that are spelled like what was typed                                       pure
    errors        the exceptions; each says whether a retry can help                               pure
    import_guard  keeps libraries from importing heavy, optional modules
    unit_of_work  what runs units of work on the database, one at a time                           pure
"""

__version__ = "0.1.0"
