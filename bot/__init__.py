"""Brownout tells a team, surface by surface, whether a provider is broken and whether it is safe to retry.

The rooms, in the order in which data flows through them:

    sources   bytes -> Snapshot: what a page says                       pure
    core      Snapshots -> changes, surfaces hit, verdicts, alerts      pure
    voice     alerts -> posts -> words                                  pure
    edge      the world: HTTP, SQLite, Slack, the terminal              effects, no decisions
    model     the nouns that travel between the rooms, one file per family
    errors    the few failures; each says whether to try again and when
    years     the nouns of the past: spans, courses, figures            pure
    looker    one look at a page: read, parse, ask after what left it
    courier   what a channel is owed -> sent, later, parked or paused: the publish stroke
    engine    the two strokes: poll (look, think, record) and publish
    replay    recorded pages through today's rules
    score     how right attributions and verdicts were on recordings
    settings  config/*.toml and the environment -> Settings, or every mistake at once
    entry     the doors: the command line, Slack, the composition root
"""

__version__ = "0.1.0"
