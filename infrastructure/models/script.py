"""What a script for a model holds: its replies, as data.

A script file is JSON; a plain string stands for a reply of that text, everything else is optional:

    {"replies": [
        "Just text.",
        {"thinking": "I should look first.", "text": "Let me look.",
         "calls": [{"name": "read_file", "arguments": {"path": "a.py"}},
                   {"name": "shell", "raw": "{not JSON"}]},
        {"failures": [{"failure": "overloaded", "message": "busy", "retryable": true}],
         "text": "The second attempt gets this.", "chunk": 8, "wait_for": "go", "cost": "0.02"},
        {"searches": [{"query": "weather", "found": ["forecast"]}], "calls": [{"name": "forecast"}]},
        {}
    ], "searches_tools": true}
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from turnlog.domain import (
    InvalidInput,
    ModelBlock,
    ModelError,
    ModelFailure,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolSearchBlock,
)


class Scripted(BaseModel):
    """A part of a script: frozen, and strict about names so that a typing error is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptedCall(Scripted):
    """A call to a tool: with `arguments`, or with `raw` argument text, which need not be JSON."""

    name: str
    arguments: Mapping[str, JsonValue] = {}
    raw: str | None = None
    id: str | None = None

    @property
    def text(self) -> str:
        """The arguments as the model wrote them."""
        return json.dumps(self.arguments, ensure_ascii=False) if self.raw is None else self.raw


class ScriptedSearch(Scripted):
    """A search of the provider among the deferred tools of the request, with what it finds."""

    query: str
    found: tuple[str, ...] = ()


class ScriptedFailure(Scripted):
    """A `ModelError` to raise, `after` that many deltas. `retry_after` is in seconds."""

    failure: ModelFailure = "unexpected"
    message: str = "scripted failure"
    retryable: bool = False
    phase: str | None = None
    retry_after: float | None = None
    after: int = Field(default=0, ge=0)

    def error(self) -> ModelError:
        """The error, new each time."""
        return ModelError(
            self.failure,
            self.message,
            retryable=self.retryable,
            phase=self.phase,
            retry_after=self.retry_after,
        )


class ScriptedReply(Scripted):
    """One answer: thinking, then text, then searches of the provider, then calls, any of them or none.

    `failures` are raised first, one an attempt in this process; `failure` is raised on every attempt.
    `chunk` cuts each block into deltas of that many characters. The reply is held back until the
    file `wait_for` exists. `cost` is in US dollars.
    """

    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    searches: tuple[ScriptedSearch, ...] = ()
    calls: tuple[ScriptedCall, ...] = ()
    failure: ScriptedFailure | None = None
    failures: tuple[ScriptedFailure, ...] = ()
    chunk: int | None = Field(default=None, ge=1)
    wait_for: Path | None = None
    stop_reason: str | None = None
    cost: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value

    def blocks(self, model: str, index: int) -> tuple[ModelBlock, ...]:
        """The blocks of this reply as entry `index` of the script of `model`."""
        said: list[ModelBlock] = []
        if self.thinking is not None or self.signature is not None:
            thinking = self.thinking or ""
            said.append(ThinkingBlock(text=thinking, model=model, signature=self.signature))
        if self.text is not None:
            said.append(TextBlock(text=self.text))
        for number, search in enumerate(self.searches):
            name = f"scripted_search_{index}_{number}"
            said.append(ToolSearchBlock(search_id=name, queries=(search.query,), found=search.found, model=model))
        for number, call in enumerate(self.calls):
            name = call.id or f"scripted_{index}_{number}"
            said.append(ToolCallBlock(call_id=name, name=call.name, arguments=call.text, provider_id=name))
        return tuple(said)

    def failure_at(self, attempt: int) -> ScriptedFailure | None:
        """What is to go wrong at an attempt, counted from 0."""
        return self.failures[attempt] if attempt < len(self.failures) else self.failure


class Script(Scripted):
    """What a script file holds."""

    replies: tuple[ScriptedReply, ...]
    summaries: tuple[ScriptedReply, ...] = ()
    context_window: int | None = Field(default=None, ge=1)
    searches_tools: bool = False


def read_script(path: Path) -> Script:
    """The script in a file. Raises InvalidInput."""
    try:
        return Script.model_validate_json(path.read_bytes())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"cannot read the script {path}: {reason}") from error
    except ValidationError as error:
        raise InvalidInput(f"the script {path} is not usable: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first complaint with its place, and how many more there are."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    place = ".".join(str(step) for step in problems[0]["loc"])
    text = f"{place}: {problems[0]['msg']}" if place else problems[0]["msg"]
    return text if len(problems) == 1 else f"{text} (and {len(problems) - 1} more)"
