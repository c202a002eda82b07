"""A routing callback for LiteLLM: a deployment whose service must not be retried is left out.

``litellm.callbacks = [BrownoutRouting(bot="http://bot:8787")]``, before a ``litellm.Router`` is made. Where every
deployment of a model would be left out, all of them stay (``on_all_held="open"``), or none does (``"closed"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

from brownout_gate.answers import OnUnknown, ServiceNotFoundError
from brownout_gate.gates import AsyncGate

SERVICES: Mapping[str, str] = {
    "anthropic": "claude-api",
    "cohere": "cohere-api",
    "cohere_chat": "cohere-api",
    "deepseek": "deepseek-api",
    "fireworks_ai": "fireworks-api",
    "groq": "groq-api",
    "mistral": "mistral-api",
    "openai": "openai-api",
    "openrouter": "openrouter-api",
    "perplexity": "perplexity-api",
    "replicate": "replicate-api",
    "together_ai": "together-api",
    "vertex_ai": "vertex-gemini",
    "xai": "xai-api",
}


class BrownoutRouting(CustomLogger):
    """Leaves out deployments by the bot's advice, and counts outcomes where a token is set."""

    def __init__(
        self, services: Mapping[str, str] | None = None, *, on_all_held: OnUnknown = "open", **settings: Any
    ) -> None:
        """``services`` adds to SERVICES (LiteLLM's provider to service); the settings are those of ``AsyncGate``."""
        super().__init__()
        self._services = {**SERVICES, **(services or {})}
        self._on_all_held = on_all_held
        self._settings = settings
        self._gates: dict[str, AsyncGate] = {}

    async def async_filter_deployments(
        self,
        model: str,  # noqa: ARG002  (of the interface)
        healthy_deployments: Any,
        messages: Any,  # noqa: ARG002  (of the interface)
        request_kwargs: dict[str, Any] | None = None,  # noqa: ARG002  (of the interface)
        parent_otel_span: Any = None,  # noqa: ARG002  (of the interface)
    ) -> Any:
        """The deployments that may be used now."""
        if not isinstance(healthy_deployments, list):
            return healthy_deployments
        usable = [deployment for deployment in healthy_deployments if await self._is_usable(deployment)]
        return usable or (healthy_deployments if self._on_all_held == "open" else [])

    async def async_log_success_event(
        self,
        kwargs: Any,
        response_obj: Any,  # noqa: ARG002  (of the interface)
        start_time: Any,  # noqa: ARG002  (of the interface)
        end_time: Any,  # noqa: ARG002  (of the interface)
    ) -> None:
        """Counts a request that went well."""
        self._count(kwargs, "ok")

    async def async_log_failure_event(
        self,
        kwargs: Any,
        response_obj: Any,  # noqa: ARG002  (of the interface)
        start_time: Any,  # noqa: ARG002  (of the interface)
        end_time: Any,  # noqa: ARG002  (of the interface)
    ) -> None:
        """Counts a request that failed, by its status."""
        error = kwargs.get("exception")
        status = getattr(error, "status_code", None)
        name = type(error).__name__
        is_status = isinstance(status, int) and 400 <= status <= 599 and "Timeout" not in name  # noqa: PLR2004
        self._count(kwargs, str(status) if is_status else "timeout" if "Timeout" in name else "connection")

    async def _is_usable(self, deployment: Mapping[str, Any]) -> bool:
        gate = self._gate_of(deployment.get("litellm_params") or {})
        try:
            return gate is None or await gate.ok()
        except ServiceNotFoundError:
            return True  # the bot does not watch this vendor

    def _gate_of(self, params: Mapping[str, Any]) -> AsyncGate | None:
        """The gate of a deployment's provider; None for one that no service is known for."""
        model = str(params.get("model") or "")
        provider = params.get("custom_llm_provider") or (model.partition("/")[0] if "/" in model else _provider(model))
        service = self._services.get(str(provider))
        if service is None or params.get("api_base"):  # an address of one's own is not the vendor's service
            return None
        return self._gates.setdefault(service, AsyncGate(service, **self._settings))

    def _count(self, kwargs: Mapping[str, Any], outcome: str) -> None:
        params = kwargs.get("litellm_params") or {}
        gate = self._gate_of({"model": kwargs.get("model"), **params})
        if gate is not None and gate.outcomes is not None:
            gate.outcomes.count(outcome)


def _provider(model: str) -> str:
    """The provider of a bare model name, by its beginning; empty where it says nothing."""
    if model.startswith("claude"):
        return "anthropic"
    return "openai" if model.startswith(("gpt", "o1", "o3", "o4", "text-embedding")) else ""
