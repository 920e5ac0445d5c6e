"""A model that answers from a script: for tests, the demo, and tests of what is built on turnlog."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Self

from turnlog.domain import (
    Cost,
    ModelBlock,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
    text_of,
)
from turnlog.projections import SUMMARISER, answers_replaced

from .script import ScriptedReply, read_script

POLL_SECONDS = 0.02
CHARS_PER_TOKEN = 4
COST_SOURCE = "script"


class ScriptedModel:
    """A model that answers from a script.

    Which reply is served depends only on the number of assistant messages in the request, and of those that its
    summary stands for, so a new process goes on where the last one stopped. Requests for a summary are answered from
    `summaries`, one after the other and the last again and again. `requests` are all the requests this object saw.
    With `searches_tools` it plays a model whose provider searches deferred tools.
    """

    def __init__(
        self,
        replies: Sequence[ScriptedReply | str],
        name: str = "scripted:demo",
        *,
        summaries: Sequence[ScriptedReply | str] = (),
        context_window: int | None = None,
        searches_tools: bool = False,
    ) -> None:
        self._replies = tuple(map(_as_reply, replies))
        self._summaries = tuple(map(_as_reply, summaries)) or (ScriptedReply(text="A summary."),)
        self._summarised = 0
        self._window = context_window
        self._searches_tools = searches_tools
        self._name = name
        self._attempts: Counter[int] = Counter()
        self.requests: list[ModelRequest] = []

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model of a script file; relative `wait_for` paths start at its directory.

        Raises InvalidInput.
        """
        source = Path(path)
        script = read_script(source)
        replies = [
            reply if reply.wait_for is None else reply.model_copy(update={"wait_for": source.parent / reply.wait_for})
            for reply in script.replies
        ]
        return cls(
            replies,
            f"scripted:{path}",
            summaries=script.summaries,
            context_window=script.context_window,
            searches_tools=script.searches_tools,
        )

    @property
    def name(self) -> str:
        """The name recorded in the log."""
        return self._name

    @property
    def context_window(self) -> int | None:
        """Tokens it is said to take."""
        return self._window

    async def searches_tools(self) -> bool:
        """Whether the script says so."""
        return self._searches_tools

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Stream the reply's deltas, then the reply. Raises ModelError."""
        self.requests.append(request)
        index, reply = self._next(request)
        _check_searches(reply, request)
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


def _check_searches(reply: ScriptedReply, request: ModelRequest) -> None:
    """Refuse to find what no provider could. Raises ModelError."""
    deferred = {tool.name for tool in request.tools if tool.deferred}
    for name in (name for search in reply.searches for name in search.found):
        if name not in deferred:
            there = ", ".join(sorted(deferred)) or "none"
            raise ModelError(
                "unexpected", f"the script finds {name!r}, which is not deferred in the request; deferred are: {there}"
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
