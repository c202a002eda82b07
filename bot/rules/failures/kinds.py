"""The kinds of failures, and the signs by which a text shows one (bot/docs/agents.md#kinds-of-failures).

Signs are regular expressions over the text in lower case. The first kind that has a sign in the text is taken; a bare
status decides where no words do. They are the words of the vendors' SDKs and of HTTP libraries, as of 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FailureSide(StrEnum):
    """Whose side a failure is on."""

    YOURS = "yours"
    PROVIDER = "provider"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class FailureKind:
    """One kind of failure.

    Attributes:
        id: Its name in the API.
        side: Whose side it is on, by itself.
        meaning: One sentence: what it means, and what to do.
        can_retry: Whether the same request may succeed later.
        signs: Words of SDKs that show it.
        statuses: HTTP statuses that show it where no words do.
    """

    id: str
    side: FailureSide
    meaning: str
    can_retry: bool
    signs: re.Pattern[str]
    statuses: frozenset[int] = frozenset()


def _kind(
    id_: str, side: FailureSide, meaning: str, *signs: str, can_retry: bool = False, statuses: tuple[int, ...] = ()
) -> FailureKind:
    return FailureKind(id_, side, meaning, can_retry, re.compile("|".join(signs)), frozenset(statuses))


UNKNOWN_KIND = _kind("unknown", FailureSide.UNCLEAR, "The text does not say what failed.", r"(?!)", can_retry=True)

KINDS = (
    _kind(
        "quota",
        FailureSide.YOURS,
        "Your account's quota or balance is used up: raise it, or wait for the next period.",
        r"insufficient_quota",
        r"exceeded your current quota",
        r"credit balance is too low",
        r"billing.hard.limit",
        r"(spend|spending|usage) limit (was |has been )?reached",
        r"out of credits",
        r"reached your (specified )?(api )?usage limit",
        r"insufficient.(balance|credits|funds)",
        r"payment required",
        r"billing_?error",
        r"quota_?exceeded",
        statuses=(402,),
    ),
    _kind(
        "too_long",
        FailureSide.YOURS,
        "The request is too large for this model or endpoint: shorten it.",
        r"context_length_exceeded",
        r"maximum context length",
        r"(prompt|input|request) is too (long|large)",
        r"request_too_large",
        r"string too long",
        r"payload too large",
        r"request entity too large",
        statuses=(413,),
    ),
    _kind(
        "refused_content",
        FailureSide.YOURS,
        "The vendor refuses this content: change the request.",
        r"content_filter",
        r"content.?policy.?violation",
        r"content management policy",
        r"responsibleaipolicyviolation",
        r"blocked by .{0,30}safety",
    ),
    _kind(
        "overloaded",
        FailureSide.PROVIDER,
        "The vendor has too much load.",
        r"overloaded",
        r"\bat capacity\b",
        r"no capacity",
        r"slow_?down",
        r"[\"']slow down[\"']",
        r"too many connections, please wait",
        r"model_?not_?ready",
        can_retry=True,
        statuses=(529,),
    ),
    _kind(
        "limit",
        FailureSide.YOURS,
        "Your account sends more than its limit: send less, and wait as long as the answer says.",
        r"rate.?limit",
        r"too ?many ?requests",
        r"resource.?exhausted",
        r"throttl",
        r"requests per minute",
        can_retry=True,
        statuses=(429,),
    ),
    _kind(
        "proxy",
        FailureSide.YOURS,
        "A proxy on your side refuses the connection: check the proxy's settings.",
        r"proxyerror",
        r"proxy authentication",
        r"cannot connect to proxy",
        r"tunnel connection failed",
        r"tunneling socket",
        statuses=(407,),
    ),
    _kind(
        "dns",
        FailureSide.YOURS,
        "The name could not be resolved: check the address and this machine's DNS.",
        r"getaddrinfo",
        r"name or service not known",
        r"enotfound",
        r"eai_again",
        r"could not resolve (host|proxy|name|the (host|address))",
        r"nodename nor servname",
        r"name resolution",
        r"no such host",
        can_retry=True,
    ),
    _kind(
        "certificate",
        FailureSide.YOURS,
        "The certificate was not accepted: check this machine's clock and certificates, and proxies that replace them.",
        r"certificate.?verify.?failed",
        r"self.signed certificate",
        r"unable to get local issuer",
        r"unable_to_verify_leaf",
        r"certificate has expired",
        r"cert_has_expired",
        r"wrong_version_number",
        r"x509:",
    ),
    _kind(
        "own_network",
        FailureSide.YOURS,
        "This machine has no way to that address: check its network.",
        r"network is unreachable",
        r"no route to host",
        r"enetunreach",
        r"ehostunreach",
        r"enetdown",
        r"(127\.0\.0\.1|localhost|\[::1\]).{0,80}refused",
        r"refused.{0,80}(127\.0\.0\.1|localhost|::1)",
        r"connect(ion)? to (127\.0\.0\.1|localhost|\[?::1)",
        can_retry=True,
    ),
    _kind(
        "auth",
        FailureSide.YOURS,
        "The key or login was not accepted: check it.",
        r"authentication[ _]?(error|failed)",
        r"invalid.{0,3}api.?key",
        r"incorrect api key",
        r"invalid x-api-key",
        r"invalid subscription key",
        r"api key not valid",
        r"api_key client option must be set",
        r"could not resolve authentication method",
        r"unable to locate credentials",
        r"bad credentials",
        r"permission denied \(publickey",
        r"unauthori[sz]ed",
        r"unauthenticated",
        r"unrecognizedclientexception",
        r"(token|session|credential)s? (has |have |is )?expired",
        r"expired_?token",
        r"token included in the request is (expired|invalid)",
        r"invalid_grant",
        r"invalid_auth|not_authed|token_revoked",
        statuses=(401,),
    ),
    _kind(
        "permission",
        FailureSide.YOURS,
        "This account may not do that: check its rights, region and plan.",
        r"permission_?error",
        r"permission.?denied",
        r"accessdenied",
        r"access to the resource is denied",
        r"forbidden",
        r"does not have access",
        r"not supported in your (country|region)",
        r"unsupported_country",
        statuses=(403,),
    ),
    _kind(
        "not_found",
        FailureSide.YOURS,
        "There is no such model or address: check the name and the version.",
        r"model_not_found",
        r"deploymentnotfound",
        r"not_?found_?error",
        r"(model|deployment|resource|engine).{0,60}(does not exist|not found|is not supported)",
        r"model .{0,60}(deprecated|retired)",
        r"repository.{0,80}not found",
        statuses=(404, 410),
    ),
    _kind(
        "server_error",
        FailureSide.PROVIDER,
        "The vendor's servers failed.",
        r"internal.?server.?error",
        r"internalfailure",
        r"<code>internalerror",
        r"encountered an internal error",
        r"\bapi_error\b",
        r"server_error",
        r"bad gateway",
        r"service.?unavailable",
        r"temporarily unavailable",
        r"gateway.?time-?out",
        r"the server had an error",
        r"upstream connect error",
        r"\b14 unavailable\b|statuscode\.unavailable",
        can_retry=True,
        statuses=(500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530),
    ),
    _kind(
        "bad_request",
        FailureSide.YOURS,
        "The request is not valid: correct it.",
        r"invalid_?request",
        r"badrequest",
        r"bad request",
        r"invalid_?argument",
        r"validationexception",
        r"unprocessable",
        r"(unsupported|unknown|unrecognized) (parameter|value|request argument)",
        statuses=(400, 405, 406, 415, 422),
    ),
    _kind(
        "timeout",
        FailureSide.UNCLEAR,
        "No answer came in time.",
        r"time[ds]?.?out",
        r"etimedout",
        r"deadline.?exceeded",
        r"aborterror",
        r"operation was aborted",
        can_retry=True,
        statuses=(408,),
    ),
    _kind(
        "connection",
        FailureSide.UNCLEAR,
        "The connection broke.",
        r"connection.?(reset|error|aborted|refused|closed|lost|broken)",
        r"(failed|could not|couldn't|cannot) (to )?connect to",
        r"empty reply from server",
        r"econn(reset|refused|aborted)",
        r"remoteprotocolerror",
        r"(server|remote end|peer) (has )?(disconnected|closed)",
        r"broken pipe|epipe",
        r"socket hang up",
        r"fetch failed",
        r"network error",
        r"incomplete ?(chunked )?read",
        r"payload is not completed",
        r"stream.{0,20}(interrupted|ended|closed)",
        r"unexpected eof|early eof|eof occurred|: eof\b",
        r"unexpected disconnect",
        r"other side closed|und_err_socket",
        can_retry=True,
    ),
    _kind(
        "own_code",
        FailureSide.YOURS,
        "This is an error in the program that made the request, not of a service.",
        r"\b(type|attribute|key|index|import|modulenotfound|reference|syntax|name|zerodivision|value|assertion)error\b",
        r"\bassert .{1,60}==",
        r"no space left on device",
        r"outputparserexception",
        r"validation errors? for ",
        r"jsondecodeerror",
        r"unexpected keyword argument",
        r"is not a function",
        r"cannot find module",
    ),
)
