"""``brownout run``: runs the bot, in Slack where its tokens are set, else in the terminal.

This is the composition root: it creates and connects storage, adapters, engine, jobs and servers.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from slack_sdk.web.async_client import AsyncWebClient

from bot import __version__, settings
from bot.adapters.discovery import describe_current_format
from bot.adapters.litestream import LitestreamReplica, find_litestream
from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.prober import Prober
from bot.adapters.slack_client import SLACK_API_URL, SlackClient
from bot.adapters.slack_features import SlackFeatures
from bot.adapters.tracker_client import TrackerClient
from bot.app import (
    configured_subscriptions,
    following,
    garbage_collection,
    logging_setup,
    notify_tools,
    probes,
    redaction,
    scheduler,
    trackers,
)
from bot.app.database_watch import DatabaseWatch
from bot.app.declared import DeclaredHook
from bot.app.declared_slack import DeclaredSlack
from bot.app.delivery_reports import DeliveryReports
from bot.app.digests import DigestJob
from bot.app.dm_channels import StoredDmChannels
from bot.app.fetchers import SourceFetcher
from bot.app.gathering import GatherHook
from bot.app.jobs import Service
from bot.app.loop_watch import LoopWatch
from bot.app.maintenance import DatabaseMaintenance, open_replica, restore_from_replica
from bot.app.month_sums import MonthSumsJob
from bot.app.onboarding import ProviderOnboarding
from bot.app.page_sharing import PageSharing
from bot.app.reload import ConfigReloader, CurrentSettings
from bot.app.reminders import ReminderHook
from bot.app.report_intake import ReportIntake
from bot.app.store_thread import StoreThread
from bot.app.systemd import SystemdNotifier
from bot.app.text_reader import ThreadTextReader
from bot.app.thread_switching import let_event_loop_in_soon
from bot.app.workflow_steps import WorkflowStepRunner
from bot.cli.options import config_option, db_option, require_file, utc_now
from bot.cli.standby import open_in_turn
from bot.commands.subscriptions import unwatched_targets
from bot.commands.workflow_steps import declare_for_step
from bot.domain import Message, Provider, Subscription
from bot.engine import Engine
from bot.errors import ConfigError
from bot.messages import formatting
from bot.notifier import ChatClient
from bot.notifier.limiter import MessageLimiter
from bot.queries.current import StatusQueries
from bot.queries.runtime import BotRole, Runtime
from bot.queries.slack_status import SlackStatus
from bot.slack import (
    conversations,
    credentials,
    declarations,
    events,
    fallbacks,
    interactions,
    kept_messages,
    link_cards,
    socket_mode,
    workflow_steps,
)
from bot.slack.app_home_publisher import AppHomePublisher
from bot.slack.authorization import BotAuthorization
from bot.slack.command import slack_app
from bot.slack.deduplication import EventDeduplicator, install_deduplication
from bot.slack.reader_thread import ReaderThread
from bot.slack.user_groups import UserGroups, select_user_groups
from bot.storage import Place, Repository, parse_place
from bot.unit_of_work import UnitRunner
from bot.web.rate_limit import RateLimiter

if TYPE_CHECKING:
    from fastapi import FastAPI  # takes half a second to import, and not every bot serves HTTP

    from bot.mcp_server.http import McpEndpoint
    from bot.mcp_server.on_demand import OnDemandEndpoint

log = logging.getLogger("brownout")

# the chat client, the services to run, and what adds Slack's route to the web server (HTTP mode only)
ChatSetup = tuple[ChatClient[Message], list[Service], "Callable[[FastAPI], None] | None"]

FORCED_EXIT_S = 4.5  # seconds after a signal: a DNS lookup, for one, can't be cancelled and must not delay the exit


@click.command()
@config_option
@db_option
def run(config: Path | None, db: Place | None) -> None:
    """Runs the bot: alerts in Slack, or in the terminal without tokens. Stop it with Ctrl-C."""
    logging_setup.configure_logging()
    for logger_name in ("apscheduler", "slack_bolt", "slack_sdk", "httpx"):
        logging.getLogger(logger_name).setLevel(
            logging.CRITICAL
        )  # the bot logs the same failures itself, once and in one line
    app_settings, secrets = settings.load(config), credentials.read_tokens(os.environ)
    other_secrets = (
        *probes.probe_keys(app_settings.probes, os.environ),
        *notify_tools.secret_values(app_settings.tools, os.environ),
        *trackers.tracker_keys(app_settings.trackers.values(), os.environ),
    )
    redaction.install_redaction((*secrets.tokens.secrets, *other_secrets))
    mistakes = [
        *credentials.startup_mistakes(secrets, is_web_on=app_settings.web.enabled),
        *trackers.path_mistakes(app_settings.trackers),
    ]
    if mistakes:
        raise ConfigError(mistakes)
    for line in secrets.warnings:
        log.warning("%s", line)
    path = db or parse_place(app_settings.store_path)
    if app_settings.replica.url:
        require_file(path, "Remove [replica] from brownout.toml; the server's own replicas take its place.")
    replica = open_replica(app_settings.replica, path, os.environ) if isinstance(path, Path) else None
    if replica:
        _restore_if_missing(replica)
    with closing(open_in_turn(path, app_settings.web)) as repository:
        if app_settings.store.share_pages:
            repository.share_pages()
        maintenance = DatabaseMaintenance(path, app_settings.store, utc_now, replica)
        tokens = credentials.TokenSource(os.environ, secrets.tokens)
        tokens.on_change.append(lambda new: redaction.install_redaction((*new.secrets, *other_secrets)))
        watch = LoopWatch()
        current = CurrentSettings(app_settings, partial(settings.load, config))
        folder = settings.user_folder(config, os.environ)
        with asyncio.Runner(loop_factory=watch.new_loop) as runner:
            runner.run(
                _run_with_thread(partial(_run_bot, current, repository, maintenance, tokens, folder, watch=watch))
            )


async def _run_with_thread(bot: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Runs the bot with a thread for its database, and ends that after it: what waits is still written."""
    let_event_loop_in_soon()
    units = StoreThread()
    try:
        await bot(units=units)
    finally:
        await units.close()


def _restore_if_missing(replica: LitestreamReplica) -> None:
    """Restores the database from its replica where the file is missing.

    Raises StoreError where the replica cannot be read: a new, empty database must not replace one that may exist.
    """
    find_litestream()
    if not replica.path.exists():
        restored = restore_from_replica(replica, utc_now())
        log.info(
            "%s not found; %s",
            replica.path,
            f"restored from {replica.url}" if restored else f"no replica at {replica.url} either",
        )


@dataclass(frozen=True, slots=True)
class BotParts:
    """The parts of a bot that run whether it leads or follows."""

    current: CurrentSettings
    repository: Repository
    maintenance: DatabaseMaintenance
    tokens: credentials.TokenSource
    runtime: Runtime
    slack_status: SlackStatus
    providers: list[Provider]  # shared by all handlers, and changed in place
    chat: ChatClient[Message]
    limiter: MessageLimiter
    units: UnitRunner
    evidence: following.EvidenceRelay
    leadership: following.Leadership
    stop: asyncio.Event
    hangup: asyncio.Event

    @property
    def is_slack(self) -> bool:
        """Whether alerts go to Slack."""
        return self.tokens.tokens.mode is not None


async def _run_bot(
    current: CurrentSettings,
    repository: Repository,
    maintenance: DatabaseMaintenance,
    tokens: credentials.TokenSource,
    config_folder: Path,
    *,
    watch: LoopWatch,
    units: UnitRunner,
) -> None:
    """Creates and connects the parts of the bot, and runs it until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, _stop_bot, stop, received, signal_number)
    is_slack = tokens.tokens.mode is not None
    hangup = _hangup_event(loop, is_slack=is_slack)
    providers = [p for p in current.settings.providers if p.enabled]
    slack_status, leadership = SlackStatus(), following.Leadership()
    runtime = Runtime(
        providers,
        slack_status=slack_status,
        backed_up_at=maintenance.backed_up_at,
        loop_stalls=lambda: (watch.stalls, watch.longest_s),
        role=BotRole.FOLLOWER if repository.is_follower else BotRole.LEADER,
        units=units,
    )
    runtime.onboarding = ProviderOnboarding(
        config_folder, lambda: PageFetcher(strict=True), runtime.add_provider, utc_now
    )
    limiter = MessageLimiter()
    chat, services, add_slack_route = (
        _set_up_slack(
            *(current, repository, runtime, tokens, slack_status), limiter=limiter, units=units, leadership=leadership
        )
        if is_slack
        else _set_up_terminal()
    )
    evidence = following.EvidenceRelay(repository, utc_now, units)
    parts = BotParts(
        *(current, repository, maintenance, tokens, runtime, slack_status, providers),
        *(chat, limiter, units, evidence, leadership, stop, hangup),
    )
    is_listening = asyncio.Event() if current.settings.web.enabled else None
    if is_listening is not None:
        services.append(_create_web_service(parts, add_slack_route=add_slack_route, is_listening=is_listening))
    systemd = SystemdNotifier.from_environment(os.environ)
    status = f"{len(providers)} providers, alerts in {'Slack' if is_slack else 'the log'}"
    services += [
        *maintenance.services(),
        partial(systemd.run, status, is_listening),
        watch.run,
        garbage_collection.collect_regularly,
    ]
    log.info("started: %s version=%s db=%s", _watched_text(providers), __version__, maintenance.path)
    if runtime.role is BotRole.LEADER or repository.shares is not None:
        await _poll(parts, services)
    else:
        await _follow(parts, services)
    log.info("stopped signal=%s", received[0].name if received else "none")


async def _follow(parts: BotParts, services: Iterable[Service]) -> None:
    """Answers while another bot leads; leads when that one has ended."""
    log.info("follower: another bot polls and posts; this one answers, and takes over when it ends")
    queries = StatusQueries(parts.runtime.providers, parts.repository, utc_now, parts.current.rules_for)
    reloader = ConfigReloader(
        *(parts.current, following.FollowerPolls(), parts.providers, parts.repository, utc_now),
        units_on_providers=(partial(_warn_of_unwatched, replace(queries, available=parts.current.available)),),
        before=parts.tokens.reload if parts.is_slack else None,
        units=parts.units,
    )
    reloading = asyncio.create_task(reloader.run(parts.hangup))
    running = [asyncio.create_task(service()) for service in services]
    try:
        is_turn = await following.wait_to_lead(parts.repository, running, parts.stop, parts.units)
    except BaseException:
        parts.stop.set()
        await scheduler.cancel_tasks([reloading, *running])
        raise
    await scheduler.cancel_tasks([reloading])
    if not is_turn:
        await scheduler.cancel_tasks(running)
        return
    log.info("leader: no other bot leads any more; this one polls and posts from now on")
    parts.runtime.role = BotRole.LEADER
    await _poll(parts, [partial(_await_task, task) for task in running])


async def _await_task(task: asyncio.Task[None]) -> None:
    """A service that runs already; it is cancelled with this one."""
    await task


async def _poll(parts: BotParts, services: Sequence[Service]) -> None:
    """Polls until the bot is stopped, and posts if it leads; the services run beside it."""
    current, repository, runtime, tokens = parts.current, parts.repository, parts.runtime, parts.tokens
    if repository.shares is None:
        await parts.units.run(repository.claim_pages)
    app_settings, providers, chat, is_slack = current.settings, parts.providers, parts.chat, parts.is_slack
    fetch_limits: dict[str, Any] = {"timeout_s": app_settings.poll.timeout_s, "max_bytes": app_settings.poll.max_bytes}
    limits = notify_tools.SendLimits(repository.require_lease, repository.lease.longest_post_s)
    clients = notify_tools.create_clients(app_settings.tools, os.environ, utc_now, limits)
    async with (
        AsyncExitStack() as open_clients,
        PageFetcher(**fetch_limits) as plain,
        PageFetcher(**fetch_limits, strict=True) as strict,
    ):
        tracker_client = await open_clients.enter_async_context(TrackerClient())
        for _, client in clients:
            await open_clients.enter_async_context(client)
        fetcher = SourceFetcher(plain, strict, providers)
        text_reader = ThreadTextReader()
        create_engine = partial(
            Engine,
            {p.id: p for p in providers},
            fetcher,
            repository,
            chat,
            utc_now,
            current.rules_for,
            blind_after=app_settings.poll.blind_after,
            alarm_after=app_settings.poll.alarm_after,
            owners=lambda: runtime.expand_groups(app_settings.owners) if is_slack else (),
            credentials=tokens if is_slack else None,
            relocation_detector=lambda source: describe_current_format(fetcher.fetcher_for(source), source, utc_now()),
            text_reader=text_reader,
            own_services=current.own_services,
            tools=notify_tools.create_tools(clients, repository, utc_now, parts.units),
            units=parts.units,
            limiter=parts.limiter,
        )
        engine = await parts.units.run(create_engine)  # it reads every provider's state
        if not any(engine.states[p.id].seen_at for p in providers):
            log.info("new database. Import history with: brownout backfill PROVIDER")
        gathering = GatherHook(engine, repository)
        reports = ReportIntake(engine, repository)
        hooks = (
            gathering.steps,
            reports,
            ReminderHook(engine, repository).steps,
            _create_declared_hook(current, repository, runtime, engine),
            DeliveryReports(engine, repository, engine.owners),
            DatabaseWatch(repository, engine.owners, utc_now),
        )
        parts.slack_status.delivery_stop = lambda: engine.delivery_stop
        digest_queries = StatusQueries(runtime.providers, repository, utc_now, current.rules_for, running=runtime)
        digest_job = DigestJob(digest_queries, parts.maintenance.path)
        all_queries = replace(digest_queries, available=current.available)
        probe_scheduler = probes.ProbeScheduler(
            Prober(), engine, providers, os.environ, utc_now, lambda: _last_read_at(engine)
        )
        jobs = (
            *parts.maintenance.periodic_jobs(),
            *probe_scheduler.periodic_jobs(),
            *trackers.TrackerScheduler(
                *(tracker_client, engine, app_settings.trackers, providers, os.environ, utc_now)
            ).periodic_jobs(),
            digest_job.periodic_job(),
            MonthSumsJob(parts.maintenance.path, runtime.providers, utc_now).periodic_job(),
            text_reader.compile_job(providers),
        )
        all_services = [*services]
        bot = scheduler.BotApp(
            *(engine, app_settings.poll, all_services, scheduler.log_delivery),
            tick_hooks=hooks,
            periodic_jobs=jobs,
            change_hooks=(gathering.steps, runtime.post_declared),
            units=parts.units,
            leads=lambda: runtime.role is BotRole.LEADER,
        )
        runtime.poll_jobs, runtime.states = bot, engine.states
        parts.evidence.engine = engine
        parts.leadership.on_change.append(bot.wake)
        is_first = runtime.role is BotRole.LEADER
        if is_first:
            await _begin_to_lead(parts, engine)
        await parts.units.run(_warn_of_unwatched, all_queries)
        sharing = None
        if repository.shares is not None:
            engine.elsewhere.update(engine.providers)
            sharing = PageSharing(engine, repository, bot, partial(_begin_to_lead, parts, engine), leads=is_first)
            runtime.shards = lambda: sharing.shards
            all_services.append(sharing.run)
        reloader = ConfigReloader(
            *(current, sharing or bot, providers, repository, utc_now),
            on_providers=(
                fetcher.forget_providers,
                lambda: bot.replace_jobs(probes.JOB_PREFIX, probe_scheduler.periodic_jobs()),
            ),
            units_on_providers=(
                *(() if is_slack else (partial(_subscribe_terminal, repository, providers),)),
                partial(_warn_of_unwatched, all_queries),
            ),
            before=engine.notifier.reload_credentials if is_slack else None,
            units=parts.units,
        )
        all_services.append(partial(reloader.run, parts.hangup))
        if not isinstance(repository.path, Path):
            all_services.append(
                following.FollowerChanges(
                    *(engine, repository, (reports, runtime.post_declared, gathering), parts.leadership.tell_of_change),
                    leads=bot.leads,
                ).run
            )
        garbage_collection.freeze_loaded_objects()
        await bot.run(parts.stop)


async def _begin_to_lead(parts: BotParts, engine: Engine) -> None:
    """Lets this bot post, and do what exists once."""
    await parts.units.run(_prepare_to_lead, parts, engine)
    parts.runtime.role = BotRole.LEADER
    parts.leadership.has_begun.set()
    parts.leadership.tell_of_change()


def _prepare_to_lead(parts: BotParts, engine: Engine) -> None:
    """A unit of work: what the database needs before a bot posts, and what the chat has to know of it."""
    repository, at = parts.repository, utc_now()
    repository.drop_removed_tools(tool.target.channel for tool in engine.tools)
    repository.probe_channels(at)
    wanted = parts.current.settings.subscriptions
    for line in configured_subscriptions.reconcile(repository, wanted, at).lines():
        log.info("subscription of brownout.toml: %s", line)
    if isinstance(parts.chat, SlackClient):
        parts.chat.know_dm_channels(repository.schedules.dm_channels())
    else:
        _subscribe_terminal(repository, parts.providers)


def _create_declared_hook(
    current: CurrentSettings, repository: Repository, runtime: Runtime, engine: Engine
) -> DeclaredHook:
    """Returns what posts about declared incidents; actions of people call it too."""
    queries = StatusQueries(runtime.providers, repository, utc_now, current.rules_for)
    tools = tuple(tool.target for tool in engine.tools)
    days = current.settings.keep_messages_days
    keep_for = timedelta(days=days) if days else None
    hook = DeclaredHook(queries, tools, lambda: runtime.working_keep_emoji, keep_for)
    runtime.post_declared = hook
    return hook


def _hangup_event(loop: asyncio.AbstractEventLoop, *, is_slack: bool) -> asyncio.Event:
    """An event that SIGHUP sets; except for a bot without Slack in a terminal, which ends with that terminal."""
    hangup = asyncio.Event()
    if is_slack or sys.stdin is None or not sys.stdin.isatty():
        loop.add_signal_handler(signal.SIGHUP, hangup.set)
    return hangup


def _warn_of_unwatched(queries: StatusQueries) -> None:
    """Logs the subscriptions for which no alert can come, since their provider is off or gone."""
    subscribed = queries.repository.subscriptions()
    for target, reason in unwatched_targets(queries, subscribed).items():
        channels = ", ".join(s.channel for s in subscribed if s.target == target)
        log.warning("subscriptions to %s get no alerts: %s. Channels: %s", target, reason, channels)


def _last_read_at(engine: Engine) -> datetime | None:
    """Returns when this bot last read any page; None where it read none."""
    read = (engine.states[provider.id].seen_at for provider in engine.own_providers)
    return max(filter(None, read), default=None)


def _watched_text(providers: Sequence[Provider]) -> str:
    services = sum(len(p.surfaces) for p in providers)
    return f"{formatting.pluralize(len(providers), 'provider')}, {formatting.pluralize(services, 'service')}"


def _stop_bot(stop: asyncio.Event, received: list[signal.Signals], signal_number: signal.Signals) -> None:
    """Stops the bot, and after FORCED_EXIT_S the process. Recorded data is safe: every step is a transaction."""
    received.append(signal_number)
    stop.set()
    exit_timer = threading.Timer(FORCED_EXIT_S, os._exit, [0])
    exit_timer.daemon = True
    exit_timer.start()


def _set_up_slack(
    current: CurrentSettings,
    repository: Repository,
    runtime: Runtime,
    source: credentials.TokenSource,
    slack_status: SlackStatus,
    *,
    limiter: MessageLimiter,
    units: UnitRunner,
    leadership: following.Leadership,
) -> ChatSetup:
    """Sets up Slack as the chat, by Socket Mode or by HTTP, with the handlers of its events."""
    app_settings = current.settings
    slack_status.is_wanted = True
    tokens = source.tokens
    url = tokens.url or SLACK_API_URL
    slack_client = SlackClient(
        tokens.bot,
        base_url=url,
        timeout_s=repository.lease.longest_post_s,
        look_up=app_settings.looks_up,
        rooms=StoredDmChannels(repository.schedules, units),
        guard=repository.require_lease,
    )
    admins = UserGroups(select_user_groups(app_settings.admins), slack_client, utc_now)
    queries = StatusQueries(
        runtime.providers,
        repository,
        utc_now,
        current.rules_for,
        frozenset(app_settings.admins),
        runtime,
        admins.members,
        current.available,
        frozenset(app_settings.partners),
        current.own_services,
    )
    reader_thread = ReaderThread(queries)
    handler_client = AsyncWebClient(token=tokens.bot, base_url=url, timeout=10, retry_handlers=[])
    authorization = BotAuthorization(handler_client)
    features = SlackFeatures(utc_now)
    newer = features if app_settings.has_newer_blocks else None
    bolt = slack_app(handler_client, reader_thread.answer, authorization, newer)
    source.on_change += [
        lambda new: slack_client.set_token(new.bot),
        lambda new: authorization.set_token(new.bot),
        lambda _: features.forget(),
    ]
    runtime.groups = admins.members
    publisher = AppHomePublisher(queries, slack_client, keeps_all=lambda: runtime.role is BotRole.LEADER)
    interactions.register_interactions(bolt, queries, publisher.mark_changed, newer)
    declarations.register_declarations(bolt, queries)
    kept_messages.register_kept_messages(bolt, queries, slack_client, app_settings.keep_emoji)
    runtime.scopes, runtime.keep_emoji = (lambda: slack_client.granted_scopes), app_settings.keep_emoji
    events.register_events(bolt, queries, publisher, slack_client)
    conversations.register_conversations(bolt, reader_thread.answer_typed, utc_now, newer)
    steps = WorkflowStepRunner(queries, slack_client, units, partial(declare_for_step, queries))
    workflow_steps.register_workflow_steps(bolt, queries, steps)
    cards = link_cards.LinkCards(
        *(reader_thread.ask, slack_client, repository.link_cards, limiter, features, utc_now),
        board=link_cards.board_address(app_settings.web.url, app_settings.web.embed, is_public=app_settings.web.public),
        units=units,
        keeps_all=lambda: runtime.role is BotRole.LEADER,
    )
    if app_settings.has_link_cards:
        link_cards.register_link_cards(bolt, cards)
    leadership.on_change.append(steps.wake)
    fallbacks.register_fallbacks(bolt, utc_now)
    is_shared = not isinstance(repository.path, Path)
    deduplicator = EventDeduplicator(repository.heard, utc_now, units, is_shared=is_shared)
    install_deduplication(bolt, deduplicator)
    background_services: list[Service] = [
        slack_client.keep_connections,
        publisher.run,
        reader_thread.run,
        partial(leadership.run_when_leading, steps.run),
        partial(leadership.run_when_leading, DeclaredSlack(queries, slack_client).run),
        *([cards.run] if app_settings.has_link_cards else []),
        *([admins.run] if admins.ids else []),
    ]
    if tokens.mode == "socket":
        outage_limit_s = socket_mode.outage_limit_s(app_settings.give_up_after_min, os.environ)
        reconnect_policy = socket_mode.ReconnectPolicy(
            give_up_s=outage_limit_s, on_token_info=slack_client.set_identity
        )
        serve_socket_mode = partial(socket_mode.serve, bolt, source, url, link=slack_status, terms=reconnect_policy)
        return slack_client, [serve_socket_mode, *background_services], None
    from bot.slack import http_mode  # noqa: PLC0415  (likewise)

    http_handler = http_mode.SlackHttpHandler(
        bolt, tokens.signing, utc_now, is_new_elsewhere=deduplicator.is_new_elsewhere
    )

    def set_secret(new: credentials.SlackTokens) -> None:
        http_handler.secret = new.signing

    source.on_change.append(set_secret)
    verify_token = partial(
        http_mode.verify_until_answered, source, url, slack_status, on_badge=slack_client.set_identity
    )
    return slack_client, [http_handler.process_queue, verify_token, *background_services], http_handler.add_route


def _create_web_service(
    parts: BotParts, *, add_slack_route: Callable[[FastAPI], None] | None, is_listening: asyncio.Event
) -> Service:
    """Returns the HTTP server: the board, the API, and the endpoints that accept evidence.

    Its imports take half a second and run in a thread, so that the first polls don't wait for them.
    """
    current, runtime, stop = parts.current, parts.runtime, parts.stop
    app_settings = current.settings
    queries = StatusQueries(
        runtime.providers,
        parts.repository,
        utc_now,
        current.rules_for,
        running=runtime,
        shows_declared=app_settings.web.show_declared,
    )

    async def service() -> None:
        for module in ("bot.web.server", "bot.web.evidence_api"):
            await asyncio.to_thread(importlib.import_module, module)
        garbage_collection.freeze_loaded_objects()
        from bot.web.evidence_api import EvidenceApi  # noqa: PLC0415  (likewise)
        from bot.web.server import serve  # noqa: PLC0415  (imported by now)

        pace = RateLimiter(time.monotonic)
        mcp = _create_mcp_endpoint(current, queries, parts.evidence, pace, stop)
        serving = serve(
            queries,
            app_settings.web,
            parts.slack_status,
            app_settings.poll.interval_s,
            stop,
            writing=EvidenceApi(parts.evidence, pace),
            slack=add_slack_route,
            is_listening=is_listening,
            mcp=mcp.add_route if mcp else None,
        )
        await asyncio.gather(serving, *([mcp.run()] if mcp else []))

    return service


def _create_mcp_endpoint(
    current: CurrentSettings,
    queries: StatusQueries,
    evidence: following.EvidenceRelay,
    pace: RateLimiter,
    stop: asyncio.Event,
) -> OnDemandEndpoint | None:
    """Returns the endpoint for coding agents; None where the MCP SDK, an optional dependency, is not installed."""
    if importlib.util.find_spec("mcp") is None:
        return None
    from bot.mcp_server.on_demand import OnDemandEndpoint  # noqa: PLC0415  (needs FastAPI, imported by now)

    async def create() -> McpEndpoint:
        await asyncio.to_thread(importlib.import_module, "bot.mcp_server.http")
        from bot.mcp_server import http, server  # noqa: PLC0415  (imported by now)

        logging.getLogger("mcp").setLevel(logging.WARNING)
        tools = server.AgentTools(
            lambda: replace(current.settings, providers=(*queries.providers, *current.available)),
            queries.repository.path,
            utc_now,
        )
        return http.McpEndpoint(tools, queries, evidence, pace.try_acquire)

    return OnDemandEndpoint(create, stop)


def _set_up_terminal() -> ChatSetup:
    """Uses the terminal as the chat; who leads subscribes it to every provider."""
    from rich.console import Console  # noqa: PLC0415  (3 MB that a bot in Slack does not need)

    from bot.adapters.terminal import TerminalClient  # noqa: PLC0415  (likewise)

    log.warning("no Slack tokens: alerts are shown here. How to get tokens: brownout docs slack")
    return TerminalClient(Console(), utc_now), [], None


def _subscribe_terminal(repository: Repository, providers: Iterable[Provider]) -> None:
    """Subscribes the terminal to every provider."""
    from bot.adapters.terminal import CHANNEL  # noqa: PLC0415  (imported by now)

    for provider in providers:
        repository.subscribe(Subscription(CHANNEL, provider.id, created_at=utc_now()))


COMMANDS = {"run": run}
