"""pydantic-ai's error taxonomy as ours. Imported when a request has failed.

`phase` says how far the request came: `pool` and `connect` never left, `write` and `read` may have been acted
on, and billed.
"""

import os
import re
from collections.abc import Mapping

import httpx2
from pydantic import TypeAdapter, ValidationError
from pydantic_ai import exceptions as vendor

from turnlog.domain import ModelError, ModelFailure, remedy_for

TAXONOMY: tuple[tuple[type[Exception], ModelFailure], ...] = (
    (vendor.ModelTimeoutError, "timeout"),
    (vendor.ModelRequestTimeout, "timeout"),
    (vendor.ModelConnectionError, "connection"),
    (vendor.ModelRateLimitError, "rate_limited"),
    (vendor.ModelQuotaExceededError, "quota"),
    (vendor.ModelOverloadedError, "overloaded"),
    (vendor.ModelUnavailableError, "unavailable"),
    (vendor.ModelServerError, "server"),
    (vendor.ModelContextWindowExceededError, "context_window"),
    (vendor.ModelAuthenticationError, "authentication"),
    (vendor.ModelNotFoundError, "not_found"),
    (vendor.ModelRequestRejectedError, "rejected"),
    (vendor.ContentFilterError, "content_filtered"),
    (vendor.UnexpectedModelBehavior, "malformed"),
    (vendor.UserError, "rejected"),
    (httpx2.TimeoutException, "timeout"),
    (httpx2.TransportError, "connection"),
    (TimeoutError, "timeout"),
    (ConnectionError, "connection"),
)
"""Class and failure: the first that fits, so a class comes before its base."""

STATUSES: Mapping[int, ModelFailure] = {
    401: "authentication",
    402: "quota",
    403: "authentication",
    404: "not_found",
    408: "timeout",
    429: "rate_limited",
    503: "unavailable",
    529: "overloaded",
}
"""What a status means that the vendor library puts in no category."""

COARSE: frozenset[ModelFailure] = frozenset({"rejected", "server", "unexpected"})
TOO_LONG = re.compile(
    "exceeds? the (?:available context size|context window)|context (?:size|length) (?:has been|is) exceeded"
    "|exceed context limit|prompt is too long|reached context length|context length of only"
    "|greater than the context length",
    re.IGNORECASE,
)
"""How they word a conversation too long who have no code for it: Anthropic, llama.cpp, LM Studio, and relays."""

SPENT = re.compile(r"reached your (?:\w+ )*API usage limits", re.IGNORECASE)
"""How Anthropic words a limit of spending, which no wait of ours outlasts: by a 400, or by the 429 of a rate limit."""

EMPTY = "Streamed response ended without content"
"""How the vendor library words a stream that was opened, and closed before its first event."""

PHASES: tuple[tuple[type[Exception], str], ...] = (
    (httpx2.PoolTimeout, "pool"),
    (httpx2.ConnectError, "connect"),
    (httpx2.ConnectTimeout, "connect"),
    (ConnectionRefusedError, "connect"),
    (httpx2.WriteError, "write"),
    (httpx2.WriteTimeout, "write"),
)
"""How far a request had come; any other failure of the transport may have come while the answer was read."""

WORDS: Mapping[ModelFailure, str] = {
    "rate_limited": "the provider's rate limit is reached",
    "overloaded": "the provider is overloaded",
    "unavailable": "the provider is unavailable",
    "server": "the provider failed",
    "connection": "the connection failed",
    "timeout": "no answer in time",
    "context_window": "the conversation is longer than the model's context window",
    "quota": "the account's quota or credit is used up",
    "authentication": "the provider refused the credentials; check the key and what it may use",
    "not_found": "the provider knows no such model; check its name",
    "rejected": "the request was rejected",
    "content_filtered": "the provider's filter withheld the answer",
    "malformed": "the answer could not be read",
    "unexpected": "the request failed",
}

DETAIL_CHARS = 300
SECRETS = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|pk|rk|xai|gsk|key|api)[-_][A-Za-z0-9*_\-]{6,}|\bAIza[\w\-]{10,}")
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")
SECRET_CHARS = 8
"""A variable shorter than this hides nothing, and hiding it would garble the message."""

_mapping = TypeAdapter(dict[str, object])


def as_model_error(name: str, error: Exception) -> ModelError:
    """The typed failure of a request to the model `name`; its message is one line without secrets."""
    failure = _classify(error)
    return ModelError(
        failure,
        f"{name}: {WORDS[failure]}{_status(error)}{_detail(failure, error)}",
        retryable=remedy_for(failure) == "retry",
        phase=_phase(failure, error),
        retry_after=error.retry_after if isinstance(error, vendor.ModelAPIError) else None,
    )


def as_broken_answer(name: str, error: Exception) -> ModelError:
    """The failure of an answer that had begun: what cannot be read from there on is an answer that broke off."""
    failure = as_model_error(name, error)
    if failure.failure != "malformed":
        return failure
    return ModelError("connection", f"{name}: the answer broke off in the middle", retryable=True, phase="read")


def as_listing_error(provider: str, error: Exception) -> ModelError:
    """The failure of a provider to list its models, from what its SDK raised."""
    return as_model_error(provider, _of_sdk(provider, error))


def _of_sdk(provider: str, error: Exception) -> Exception:
    """An SDK's error as one that has a place in the taxonomy; each names the status in its own way."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if isinstance(status, int):
        response = getattr(error, "response", None)
        headers = dict(response.headers) if isinstance(response, httpx2.Response) else None
        body = getattr(error, "body", None) or getattr(error, "message", None)
        return vendor.ModelHTTPError(status, provider, body, headers=headers)
    cause = error.__cause__
    if isinstance(cause, httpx2.TransportError):
        return cause
    if isinstance(error, ValueError) and cause is None:
        return _unreadable(provider, error)
    return error


def _unreadable(provider: str, error: ValueError) -> vendor.ModelAPIError:
    unreadable = vendor.ModelAPIError(provider, "")
    unreadable.__cause__ = error
    return unreadable


def _classify(error: Exception) -> ModelFailure:
    failure = _by_class(error)
    if failure in COARSE and TOO_LONG.search(_words(error)):
        return "context_window"
    return "quota" if failure in ("rejected", "rate_limited") and SPENT.search(_words(error)) else failure


def _by_class(error: Exception) -> ModelFailure:
    if isinstance(error, vendor.UnexpectedModelBehavior) and EMPTY in error.message:
        return "connection"
    for kind, failure in TAXONOMY:
        if isinstance(error, kind):
            return failure
    if isinstance(error, vendor.ModelHTTPError):
        return _by_status(error.status_code)
    if isinstance(error, vendor.ModelAPIError) and (error.provider_error_code or "").startswith("invalid_"):
        return "rejected"  # as OpenAI's `invalid_prompt` inside a stream, where there is no status
    return "malformed" if _is_unreadable(error) else "unexpected"


def _is_unreadable(error: Exception) -> bool:
    """Whether what came was not JSON, or not even text."""
    return isinstance(error.__cause__, ValueError)


def _by_status(status: int) -> ModelFailure:
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        return "server"
    return "rejected" if status >= 400 else "unexpected"


def _phase(failure: ModelFailure, error: Exception) -> str | None:
    """How far the request had come; what nobody knows is taken for the worst, that the provider has acted."""
    if isinstance(error, vendor.ModelConnectionError) and error.phase is not None:
        return error.phase
    if failure in ("connection", "timeout"):
        return next((phase for kind, phase in PHASES if isinstance(error, kind)), "read")
    return "read" if isinstance(error, vendor.ModelAPIError) and error.in_stream else None


def _status(error: Exception) -> str:
    return f" (HTTP {error.status_code})" if isinstance(error, vendor.ModelHTTPError) else ""


def _detail(failure: ModelFailure, error: Exception) -> str:
    """The provider's own words, except about credentials: those quote the key."""
    if failure == "authentication":
        return ""
    text = one_line(_words(error))
    return f": {text}" if text else ""


def _words(error: Exception) -> str:
    """What the provider said, or the vendor library in its place."""
    said = _said(error.body) if isinstance(error, vendor.ModelAPIError) else ""
    return said if said or isinstance(error, vendor.ModelHTTPError) else str(error)


def _said(body: object) -> str:
    """The message in an error's body, which comes as text or in one of the providers' shapes."""
    try:
        fields = _mapping.validate_python(body, strict=True)
    except ValidationError:
        return body if isinstance(body, str) else ""
    for key in ("message", "error", "detail"):
        if key in fields and (text := _said(fields[key])):
            return text
    return ""


def one_line(text: str) -> str:
    """Text for a message: one line, not endless, without keys."""
    hidden = SECRETS.sub("[hidden]", _without_environment(text))
    line = " ".join(hidden.split())
    return line if len(line) <= DETAIL_CHARS else f"{line[:DETAIL_CHARS]}…"


def _without_environment(text: str) -> str:
    """Without the value of any variable whose name says that it is a secret."""
    for name, value in os.environ.items():
        if len(value) >= SECRET_CHARS and SECRET_NAME.search(name):
            text = text.replace(value, "[hidden]")
    return text
