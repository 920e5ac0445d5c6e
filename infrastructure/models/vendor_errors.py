"""pydantic-ai's error taxonomy as ours. Imported when a request has failed.

Retrying is for what passes: rate limits, an unavailable provider, its errors, connections. `phase`
says how far the request came: `pool` and `connect` never left, `write` and `read` may have been acted
on, and billed.
"""

import os
import re
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError
from pydantic_ai import exceptions as vendor

from turnlog.domain import ModelError, ModelFailure

TAXONOMY: tuple[tuple[type[Exception], ModelFailure, bool], ...] = (
    (vendor.ModelTimeoutError, "timeout", True),
    (vendor.ModelRequestTimeout, "timeout", True),
    (vendor.ModelConnectionError, "connection", True),
    (vendor.ModelRateLimitError, "rate_limited", True),
    (vendor.ModelQuotaExceededError, "quota", False),
    (vendor.ModelOverloadedError, "overloaded", True),
    (vendor.ModelUnavailableError, "unavailable", True),
    (vendor.ModelServerError, "server", True),
    (vendor.ModelContextWindowExceededError, "context_window", False),
    (vendor.ModelAuthenticationError, "authentication", False),
    (vendor.ModelNotFoundError, "not_found", False),
    (vendor.ModelRequestRejectedError, "rejected", False),
    (vendor.ContentFilterError, "content_filtered", False),
    (vendor.UnexpectedModelBehavior, "malformed", False),
    (vendor.UserError, "rejected", False),
    (TimeoutError, "timeout", True),
    (ConnectionError, "connection", True),
)
"""Class, failure, whether to retry: the first that fits, so a class comes before its base."""

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
    failure, retryable = _classify(error)
    return ModelError(
        failure,
        f"{name}: {WORDS[failure]}{_status(error)}{_detail(failure, error)}",
        retryable=retryable,
        phase=_phase(failure, error),
        retry_after=error.retry_after if isinstance(error, vendor.ModelAPIError) else None,
    )


def _classify(error: Exception) -> tuple[ModelFailure, bool]:
    for kind, failure, retryable in TAXONOMY:
        if isinstance(error, kind):
            return failure, retryable
    if isinstance(error, vendor.ModelHTTPError):
        return _by_status(error.status_code)
    if isinstance(error.__cause__, ValueError):  # what came was not JSON, or not even text
        return "malformed", False
    return "unexpected", False


def _by_status(status: int) -> tuple[ModelFailure, bool]:
    """What a status means that the vendor library puts in no category."""
    if status >= 500:
        return "server", True
    return ("rejected", False) if status >= 400 else ("unexpected", False)


def _phase(failure: ModelFailure, error: Exception) -> str | None:
    if isinstance(error, vendor.ModelConnectionError):
        return error.phase
    streaming = isinstance(error, vendor.ModelAPIError) and error.in_stream
    return "read" if streaming or failure == "timeout" else None


def _status(error: Exception) -> str:
    return f" (HTTP {error.status_code})" if isinstance(error, vendor.ModelHTTPError) else ""


def _detail(failure: ModelFailure, error: Exception) -> str:
    """The provider's own words, except about credentials: those quote the key."""
    if failure == "authentication":
        return ""
    said = _said(error.body) if isinstance(error, vendor.ModelHTTPError) else str(error)
    text = one_line(said)
    return f": {text}" if text else ""


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
