"""Failures of those who speak OpenAI's wire formats: the shapes of errors, and what the adapter makes of them."""

from typing import Any

import pytest

from turnlog.domain import ModelDelta, ModelError

from . import openai_chat_wire as chat
from . import openai_responses_wire as responses
from .asking import asking, failing
from .openai_services import KEY, RESPONSES, Service
from .server import Answer, Piece, events, serving

Json = dict[str, Any]
Outcome = tuple[str, bool]
"""The failure, and whether the same request may be sent again."""

WORDS = "What went wrong."


async def hear(service: Service, monkeypatch: pytest.MonkeyPatch, given: Answer) -> tuple[ModelError, list[ModelDelta]]:
    """How the adapter tells of a failure, which it must not have tried to mend by asking again."""
    async with serving(given) as server:
        service.point_at(server, monkeypatch)
        error, deltas = await failing(asking(service.model))
    assert len(server.asked) == 1
    assert error.message.startswith(f"{service.model}: ")
    assert "\n" not in error.message
    assert KEY not in error.message
    return error, deltas


def refused(status: int, body: object, **headers: str) -> Answer:
    """An error before any stream. A str is a page."""
    if isinstance(body, str):
        return Answer([body.encode()], status, "text/html", headers)
    return Answer([chat.bare(body)], status, "application/json", headers)


def openai(message: str, kind: str, code: str | None = None, param: str | None = None) -> Json:
    """OpenAI's shape of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def openrouter(code: int, message: str, **metadata: object) -> Json:
    """OpenRouter's shape of an error."""
    return {"error": {"code": code, "message": message, **({"metadata": metadata} if metadata else {})}}


def beginning(service: Service) -> list[Piece]:
    """An answer as far as its first words."""
    if service is RESPONSES:
        return responses.numbered([*responses.begun(), *responses.text("Half")[:3]])
    return [*events(*chat.said("Half"))]
