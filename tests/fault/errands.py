"""The agents of a delegation: a model that goes by what the conversation says is done, and tools with real effects.

A process that runs them as `turnlog worker` does is forked for each order on standard input, an object a line; the
answer is its process id. It works until it is killed, and what it writes goes to a file.
"""

import asyncio
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from turnlog import ToolContext, Turnlog, tool
from turnlog.domain import (
    Block,
    ModelDelta,
    ModelReply,
    ModelRequest,
    TextBlock,
    Tool,
    ToolCallBlock,
    Usage,
    plain_text,
)
from turnlog.projections import SUMMARISER
from turnlog.runtime import Settings
from turnlog.runtime.workers.pool import PoolSettings
from turnlog.testing import Ledger
from turnlog.testing.crash_server import WARM

SETTINGS = Settings(poll_seconds=0.05, retry_seconds=0.02, grace_seconds=1.0, most_takeovers=1_000)
"""Workers are killed so often that a step may well cost three of them."""

POOL = PoolSettings(sweep_seconds=0.2, breath_seconds=0.02, retry_seconds=0.05, retry_ceiling=0.2)
EFFECT_SECONDS = 0.02
TOOLS = ("mark", "send", "task", "compact", "team_spawn", "team_request", "team_shutdown")
GO, AND_THEN = "Release it.", "And the notes?"
ERRANDS = ("one", "two", "three")
ADA = "ada"

Call = tuple[str, str]
"""A tool and its arguments, as JSON."""


def tools_of(ledger: Ledger) -> tuple[Tool, ...]:
    """A tool that may run twice and one that must not; each effect is noted outside."""

    async def happen(name: str, context: ToolContext, what: str) -> None:
        await asyncio.sleep(EFFECT_SECONDS)
        await asyncio.to_thread(ledger.note, name, context, {"what": what})
        await asyncio.sleep(EFFECT_SECONDS)

    @tool(effect="idempotent")
    async def mark(what: str, context: ToolContext) -> str:
        """Mark something."""
        await happen("mark", context, what)
        return f"{what} is marked"

    @tool
    async def send(what: str, context: ToolContext) -> str:
        """Send something, which nobody can take back."""
        await happen("send", context, what)
        return f"{what} is sent"

    return (mark, send)


class Errands:
    """Plays every agent: who it is it sees by its tools, and what is left to do by what the conversation tells.

    It says the same in the same conversation, in whatever process.
    """

    name = "scripted:errands"

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        yield ModelReply(tuple(_answer(request)), Usage(input_tokens=10, output_tokens=1))


def _answer(request: ModelRequest) -> Iterator[TextBlock | ToolCallBlock]:
    said = [block for message in request.messages for block in message.blocks]
    done = set(_done(said))
    if request.system == SUMMARISER:
        yield TextBlock(text="\n".join(["What was done:", *_calls_of_record(plain_text(said))]))
        return
    names, texts = {spec.name for spec in request.tools}, [str(it.text) for it in said if isinstance(it, TextBlock)]
    if "team_spawn" in names:
        rounds, word = _of_lead(texts), "It is released."
    elif "team_respond" in names:
        rounds, word = _of_ada(texts), "Noted."
    else:
        rounds, word = _of_errand(texts[0]), f"{texts[0]} is done."
    left = [[call for call in each if call not in done] for each in rounds]
    calls = next(filter(None, left), list[Call]())
    for place, (name, arguments) in enumerate(calls):
        yield ToolCallBlock(call_id=f"{name}-{place}", name=name, arguments=arguments)
    if not calls:
        yield TextBlock(text=word)


def _call(name: str, /, **arguments: str | list[str]) -> Call:
    return name, json.dumps(arguments)


def _of_lead(texts: Sequence[str]) -> Iterator[list[Call]]:
    yield [_call("team_spawn", name=ADA, prompt="Keep the notes.", role="keeps the notes")]
    yield [_call("task", name=each, prompt=each, tools=["mark", "send"]) for each in ERRANDS]
    yield [_call("send", what="the first half")]
    yield [_call("compact", instructions="keep what was done")]
    yield [_call("team_request", to=ADA, text="Are the notes complete?")]
    yield [_call("send", what="the second half")]
    if AND_THEN in texts:
        yield [_call("team_shutdown", name=ADA)]


def _of_ada(texts: Sequence[str]) -> Iterator[list[Call]]:
    yield [_call("mark", what="the notes")]
    yield [_call("send", what="a copy of the notes")]
    yield [_call("team_send", to="lead", text="The notes are kept.")]
    asked = [found for text in texts for found in re.findall(r"\[Request (\S+) from", text)]
    for request in asked:
        yield [_call("team_respond", request_id=request, text="They are complete.")]
        yield [_call("send", what="the last of the notes")]


def _of_errand(name: str) -> Iterator[list[Call]]:
    yield [_call("mark", what=name)]
    yield [_call("send", what=f"{name}, first")]
    yield [_call("send", what=f"{name}, second")]


def _done(said: Sequence[Block]) -> Iterator[Call]:
    """What was called so far: by the conversation, and by a summary in it."""
    for block in said:
        if isinstance(block, ToolCallBlock):
            yield block.name, str(block.arguments)
        elif isinstance(block, TextBlock):
            for line in _calls_of_record(str(block.text)):
                name, _, arguments = line.removeprefix("calls ").partition(" with ")
                yield name, arguments


def _calls_of_record(text: str) -> list[str]:
    """The lines of a record, or of a summary, that tell of calls."""
    return re.findall(r"^(?:AGENT: )?(calls \S+ with \{.*\})$", text, re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Order:
    """The log to work on, and the directory with the ledger."""

    url: str
    directory: str


async def work(order: Order) -> None:
    """Run sessions until the process ends."""
    async with Turnlog.open(order.url, settings=SETTINGS) as log:
        own = tools_of(Ledger(Path(order.directory, "ledger")))
        await log.work(tools=own, models=[Errands()], settings=POOL)


def serve() -> None:
    """Carry out the orders on standard input; nobody waits for those that carry them out."""
    for name in WARM:
        import_module(name)  # so that no fork has to
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _run(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _run(order: Order) -> None:
    """In the fork: never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    target = os.open(Path(order.directory, f"worker-{os.getpid()}"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    try:
        asyncio.run(work(order))
    except BaseException:  # noqa: BLE001 - whatever it is, it is told, and the fork ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    serve()
