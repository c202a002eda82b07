"""How the steps of Slack's workflows end, and the texts of their outputs and errors. No I/O.

The names of the outputs are those of manifest.yml's functions (bot/cli/manifest.py). Conditions of a workflow compare
the values, so ``advice`` and ``advice_code`` never change their words.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from bot.domain import (
    Advice,
    DeclaredIncident,
    Provider,
    ProviderState,
    StepOutcome,
    StepValue,
    Surface,
    Verdict,
    WorkflowStep,
)
from bot.messages import formatting, service_status, words

MAX_TEXT = 1000  # characters of an output
SAFE = (Advice.RETRY_NORMALLY,)
SAFE_SLOWLY = (Advice.RETRY_NORMALLY, Advice.RETRY_GENTLY)


def wait_outcome(step: WorkflowStep, surface: Surface, verdict: Verdict, now: datetime) -> StepOutcome | None:
    """How a step that waits ends now; None while it is neither safe to retry nor too late."""
    if verdict.call in (SAFE_SLOWLY if step.slowly else SAFE):
        return StepOutcome(_wait_outputs(step, verdict.call, _advice_sentence(surface, verdict), now))
    if now < step.until:
        return None
    waited = formatting.format_duration((step.until - step.since).total_seconds())
    text = f"{surface.name}: still not safe to retry after {waited}. {_advice(verdict)}"
    if step.fails_late:
        return StepOutcome(error=_cut(text))
    known = Advice.RETRY_GENTLY if verdict.call is Advice.RETRY_GENTLY else Advice.HOLD_OFF
    return StepOutcome(_wait_outputs(step, known, _cut(text), now) | {"timed_out": True})


def status_outcome(provider: Provider, state: ProviderState, surface: Surface, now: datetime) -> StepOutcome:
    """The outputs of *Get status and advice*. ``since`` is left out where it is not known."""
    views = service_status.view_provider(provider, state, now).services
    [view] = [v for v in views if v.surface.id == surface.id]
    never = Verdict(surface.id, Advice.UNKNOWN, now, 0.0, "", "never_seen", because="its page was not checked yet")
    verdict = view.verdict or never
    since: dict[str, StepValue] = {} if view.since is None else {"since": _timestamp(view.since)}
    return StepOutcome(
        {
            "service": surface.id,
            "status": str(view.status),
            "advice": words.ADVICE_STYLES[verdict.call].phrase,
            "advice_code": str(verdict.call),
            "text": _cut(f"{surface.name}: {view.status}. {_advice(verdict)}"),
            "link": provider.source.home or provider.source.url,
        }
        | since
    )


def declared_outcome(incident: DeclaredIncident, link: str) -> StepOutcome:
    """The outputs of *Declare that this hits us*; ``link`` is left out where it is empty."""
    severity = incident.severity.upper()
    outputs: dict[str, StepValue] = {
        "number": incident.number,
        "title": incident.title,
        "severity": severity,
        "text": _cut(f"Incident {incident.number} is declared ({severity}): {incident.title}"),
    }
    return StepOutcome(outputs | ({"link": link} if link else {}))


def gone_outcome(surface_id: str) -> StepOutcome:
    """The failure of a step whose service was removed while it waited."""
    return StepOutcome(error=f"Brownout does not watch {surface_id} any more, so this step can't wait for it.")


def deleted_outcome(number: int) -> StepOutcome:
    """The failure of a step whose declared incident is not in the database any more."""
    return StepOutcome(error=f"Incident {number} is not in Brownout's database any more.")


def full_outcome(limit: int) -> StepOutcome:
    """The failure of a step that would be one too many."""
    return StepOutcome(error=f"{limit} steps wait already, and Brownout takes no more. Run the workflow again later.")


def timeout_error(typed: str, longest: timedelta) -> str:
    """Why a timeout is not accepted."""
    most = f"{longest // timedelta(minutes=1):,}"
    return f"The timeout is a number of minutes from 1 to {most}, not “{typed}”. Correct it in the workflow."


UNKNOWN_STEP = (
    "This version of Brownout has no such step. Install the Slack app again: `brownout manifest --workflow-steps`."
)
MISMATCH = (
    "Slack did not accept the outputs of this step: the app's manifest is of another version of Brownout. Install the"
    " Slack app again: `brownout manifest --workflow-steps`."
)


def _wait_outputs(step: WorkflowStep, call: Advice, text: str, now: datetime) -> dict[str, StepValue]:
    return {
        "service": step.surface,
        "advice": words.ADVICE_STYLES[call].phrase,
        "advice_code": str(call),
        "since": _timestamp(step.since),
        "until": _timestamp(now),
        "waited_minutes": max(0, round((now - step.since) / timedelta(minutes=1))),
        "timed_out": False,
        "text": text,
    }


def _advice_sentence(surface: Surface, verdict: Verdict) -> str:
    return _cut(f"{surface.name}: {_advice(verdict)}")


def _advice(verdict: Verdict) -> str:
    """The advice, and why, as ``Don't retry. Its page shows a partial outage.``."""
    because = f" {formatting.upper_first(verdict.because).rstrip('.')}." if verdict.because else ""
    return f"{words.advice_phrase(verdict)}.{because}"


def _timestamp(at: datetime) -> int:
    """A time as Slack's type ``slack#/types/timestamp``: whole seconds since 1970."""
    return math.floor(at.timestamp())


def _cut(text: str) -> str:
    return formatting.truncate(text, MAX_TEXT, "…")
