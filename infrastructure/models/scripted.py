"""A model that answers from a script: for tests, the demo, and tests of what is built on turnlog.

A script file is JSON; a plain string stands for a reply of that text, everything else is optional:

    {"replies": [
        "Just text.",
        {"thinking": "I should look first.", "text": "Let me look.",
         "calls": [{"name": "read_file", "arguments": {"path": "a.py"}},
                   {"name": "shell", "raw": "{not JSON"}]},
        {"failures": [{"failure": "overloaded", "message": "busy", "retryable": true}],
         "text": "The second attempt gets this.", "chunk": 8, "wait_for": "go", "cost": "0.02"},
        {}
    ]}
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)

from turnlog.domain import (
    Cost,
    InvalidInput,
    ModelBlock,
    ModelDelta,
    ModelError,
    ModelFailure,
    ModelReply,
    ModelRequest,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
    text_of,
)
from turnlog.projections import SUMMARISER, answers_replaced

POLL_SECONDS = 0.02
CHARS_PER_TOKEN = 4
COST_SOURCE = "script"


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
    """One answer: thinking, then text, then calls, any of them or none.

    `failures` are raised first, one an attempt in this process; `failure` is raised on every attempt.
    `chunk` cuts each block into deltas of that many characters. The reply is held back until the
    file `wait_for` exists. `cost` is in US dollars.
    """

    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
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


class ScriptedModel:
    """A model that answers from a script.

    Which reply is served depends only on the number of assistant messages in the request, and of those that its
    summary stands for, so a new process goes on where the last one stopped. Requests for a summary are answered from
    `summaries`, one after the other and the last again and again. `requests` are all the requests this object saw.
    """

    def __init__(
        self,
        replies: Sequence[ScriptedReply | str],
        name: str = "scripted:demo",
        *,
        summaries: Sequence[ScriptedReply | str] = (),
        context_window: int | None = None,
    ) -> None:
        self._replies = tuple(map(_as_reply, replies))
        self._summaries = tuple(map(_as_reply, summaries)) or (ScriptedReply(text="A summary."),)
        self._summarised = 0
        self._window = context_window
        self._name = name
        self._attempts: Counter[int] = Counter()
        self.requests: list[ModelRequest] = []

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model of a script file; relative `wait_for` paths start at its directory.

        Raises InvalidInput.
        """
        source = Path(path)
        script = _read(source)
        replies = [
            reply if reply.wait_for is None else reply.model_copy(update={"wait_for": source.parent / reply.wait_for})
            for reply in script.replies
        ]
        return cls(replies, f"scripted:{path}", summaries=script.summaries, context_window=script.context_window)

    @property
    def name(self) -> str:
        """The name recorded in the log."""
        return self._name

    @property
    def context_window(self) -> int | None:
        """Tokens it is said to take."""
        return self._window

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Stream the reply's deltas, then the reply. Raises ModelError."""
        self.requests.append(request)
        index, reply = self._next(request)
        await _wait_for(reply.wait_for)
        failure = reply.failure_at(self._attempts[index])
        self._attempts[index] += 1
        blocks = reply.blocks(self._name, index)
        for sent, delta in enumerate(_deltas(blocks, reply.chunk)):
            if failure is not None and sent >= failure.after:
                raise failure.error()
            yield delta
        if failure is not None:
            raise failure.error()
        stop_reason = reply.stop_reason or ("tool_call" if reply.calls else "stop")
        cost = None if reply.cost is None else Cost(amount=reply.cost, source=COST_SOURCE)
        yield ModelReply(blocks, _usage(request, blocks), stop_reason, f"scripted-{index}", cost)

    def _next(self, request: ModelRequest) -> tuple[int, ScriptedReply]:
        """The reply to a request, and its number; those of summaries are below zero."""
        if request.system == SUMMARISER:
            index = min(self._summarised, len(self._summaries) - 1)
            reply = self._summaries[index]
            self._summarised += reply.failure_at(self._attempts[-1 - index]) is None
            return -1 - index, reply
        index = answers_replaced(request.messages) + sum(message.role == "assistant" for message in request.messages)
        return index, self._reply(index)

    def _reply(self, index: int) -> ScriptedReply:
        if index < len(self._replies):
            return self._replies[index]
        raise ModelError(
            "unexpected",
            f"the script of {self._name} has {len(self._replies)} replies and is asked for number {index + 1}; add one",
        )


def _as_reply(reply: ScriptedReply | str) -> ScriptedReply:
    return ScriptedReply(text=reply) if isinstance(reply, str) else reply


async def _wait_for(path: Path | None) -> None:
    """Return when the file exists: polled, so that any process on any system can make it."""
    if path is None:
        return
    while True:
        if await asyncio.to_thread(path.exists):
            return
        await asyncio.sleep(POLL_SECONDS)


def _deltas(blocks: Sequence[ModelBlock], chunk: int | None) -> Iterator[ModelDelta]:
    for part, block in enumerate(blocks):
        delta = _as_delta(block)
        size = chunk or max(len(delta.text), 1)
        for start in range(0, len(delta.text), size):
            yield ModelDelta(delta.kind, delta.text[start : start + size], part, delta.tool)


def _as_delta(block: ModelBlock) -> ModelDelta:
    match block:
        case ThinkingBlock():
            return ModelDelta("thinking", text_of(block.text))
        case ToolCallBlock():
            return ModelDelta("tool_call", text_of(block.arguments), tool=block.name)
        case TextBlock():
            return ModelDelta("text", text_of(block.text))
        case _:
            return ModelDelta("text", "")


def _usage(request: ModelRequest, blocks: Sequence[ModelBlock]) -> Usage:
    """Counts that grow as real ones do."""
    said = [_as_delta(block) for block in blocks]
    thought = sum(len(delta.text) for delta in said if delta.kind == "thinking")
    return Usage(
        input_tokens=len(request.model_dump_json()) // CHARS_PER_TOKEN,
        output_tokens=sum(len(delta.text) for delta in said) // CHARS_PER_TOKEN,
        reasoning_tokens=thought // CHARS_PER_TOKEN,
    )


def _read(path: Path) -> Script:
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
