"""A bot's answers to ``/retry`` as httpx responses, and clocks that tests move."""

from __future__ import annotations

import httpx

DATE, VALID_UNTIL = "Mon, 02 Mar 2026 12:00:00 GMT", "2026-03-02T12:02:00Z"


def answer(status, verdict, *, date=DATE, **form):
    """An answer of the gate; ``form`` changes keys of its JSON."""
    body = {
        "verdict": verdict,
        "exposure": 1.0 if status == 200 else 0.0,
        "retry_after_s": 1,
        "max_attempts": 3,
        "backoff": {"kind": "full_jitter", "base_s": 1, "cap_s": 60},
        "reason": f"{verdict}.",
        "instead": None,
        "valid_until": VALID_UNTIL,
    }
    return httpx.Response(status, json=body | form, headers={"date": date})


def go(**form):
    return answer(200, "retry_normally", **form)


def hold(**form):
    return answer(503, "hold_off", **{"retry_after_s": 90, "max_attempts": 0} | form)


def slowly(exposure, **form):
    return answer(200, "retry_gently", exposure=exposure, **form)


def before_slot(wait_s, **form):
    return answer(429, "retry_gently", exposure=0.1, retry_after_s=wait_s, **form)


def unknown(**form):
    return answer(503, "unknown", **{"retry_after_s": 60, "max_attempts": 0} | form)


class Script:
    """An httpx transport's handler that gives these answers one after the other, and the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.requests = answers, []

    def __call__(self, request):
        self.requests.append(request)
        given = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    @property
    def transport(self):
        return httpx.MockTransport(self)


class Clock:
    """A monotonic clock that only ``sleep`` moves; ``slept`` are the waits."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds):
        self.sleep(seconds)
