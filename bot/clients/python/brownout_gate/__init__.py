"""Asks a Brownout bot whether it is safe to retry a service, and counts how requests to it went.

``gate(SERVICE)`` and ``async_gate(SERVICE)`` ask; ``GateTransport`` and ``AsyncGateTransport`` do it for every retry of
an httpx client. The only dependency is httpx. ``brownout_gate.for_tenacity``, ``for_stamina``, ``for_litellm`` and
``for_openfeature`` need the library in their name.
"""

from brownout_gate.answers import Answer, GateTimeoutError, OnUnknown, ServiceNotFoundError
from brownout_gate.gates import AsyncGate, Gate, async_gate, gate
from brownout_gate.outcomes import OutcomeReporter
from brownout_gate.transports import AsyncGateTransport, GateTransport, is_outage

__all__ = [
    "Answer",
    "AsyncGate",
    "AsyncGateTransport",
    "Gate",
    "GateTimeoutError",
    "GateTransport",
    "OnUnknown",
    "OutcomeReporter",
    "ServiceNotFoundError",
    "async_gate",
    "gate",
    "is_outage",
]
