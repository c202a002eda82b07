"""An OpenFeature provider: a flag's key is the id of a service.

Boolean: whether this client may send now. String: the advice. Float: the exposure, from 0 to 1. Object: the bot's whole
answer. An unknown service is FLAG_NOT_FOUND; while no bot answers, a flag has its default value, with the reason ERROR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from brownout_gate.answers import Answer, ServiceNotFoundError
from brownout_gate.gates import Gate

Context = Optional[EvaluationContext]


class BrownoutProvider(AbstractProvider):
    """``api.set_provider(BrownoutProvider(bot="http://bot:8787"))``; the settings are those of ``Gate``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._settings = settings
        self._gates: dict[str, Gate] = {}

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="brownout")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001  (of the interface)
        evaluation_context: Context = None,  # noqa: ARG002  (of the interface)
    ) -> FlagResolutionDetails[bool]:
        """Whether this client may send now."""
        return self._resolve(flag_key, default_value, lambda answer: answer.may_send)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: Context = None,  # noqa: ARG002  (of the interface)
    ) -> FlagResolutionDetails[str]:
        """The advice."""
        return self._resolve(flag_key, default_value, lambda answer: answer.verdict)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: Context = None,  # noqa: ARG002  (of the interface)
    ) -> FlagResolutionDetails[int]:
        """The wait in whole seconds; 0 where this client may send now."""
        return self._resolve(flag_key, default_value, lambda answer: 0 if answer.may_send else int(answer.wait_s))

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: Context = None,  # noqa: ARG002  (of the interface)
    ) -> FlagResolutionDetails[float]:
        """The exposure."""
        return self._resolve(flag_key, default_value, lambda answer: answer.exposure)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[Any] | Mapping[str, Any],
        evaluation_context: Context = None,  # noqa: ARG002  (of the interface)
    ) -> FlagResolutionDetails[Sequence[Any] | Mapping[str, Any]]:
        """The bot's whole answer."""
        return self._resolve(flag_key, default_value, lambda answer: dict(answer.form))

    def _resolve(self, key: str, default: Any, value: Callable[[Answer], Any]) -> FlagResolutionDetails[Any]:
        gate = self._gates.setdefault(key, Gate(key, **self._settings))
        try:
            answer = gate.ask()
        except ServiceNotFoundError as error:
            return FlagResolutionDetails(
                default, reason=Reason.ERROR, error_code=ErrorCode.FLAG_NOT_FOUND, error_message=str(error)
            )
        if not answer.is_from_bot:
            return FlagResolutionDetails(
                default, reason=Reason.ERROR, error_code=ErrorCode.GENERAL, error_message=answer.reason
            )
        metadata: dict[str, Any] = {"reason": answer.reason, "exposure": answer.exposure, "wait_s": answer.wait_s}
        return FlagResolutionDetails(
            value(answer), variant=answer.verdict, reason=Reason.TARGETING_MATCH, flag_metadata=metadata
        )
