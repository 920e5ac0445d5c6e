"""A parent with subagents and a teammate, run by workers that are killed, and what is left of them after."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from turnlog import RuleDraft, Turnlog, every_call
from turnlog.domain import (
    CompactionCompleted,
    LeaseTaken,
    MessagesDelivered,
    Recorded,
    SubagentFinished,
    TeammateJoined,
    TeammateLeft,
    TextBlock,
    plain_text,
    waits_for,
)
from turnlog.projections import Item, Metadata, ModelSaid, ToolUsed, UserSaid, summed
from turnlog.testing import Ledger
from turnlog.testing.ledger import Effected
from turnlog.testing.observed import Observed, Said, observe

from . import errands
from .errands import AND_THEN, GO, TOOLS, Errands, tools_of
from .invariants import story_problems

PATIENCE = 60.0
_REQUEST_ID = re.compile(r"ask_[0-9a-f]+")
_NEXT_MESSAGE = re.compile(r"\n\n(?=\[(?:Message|Request|Response) )")


@dataclass
class Crew:
    """Workers in processes of their own, on one log. `kills` is how many there were so far."""

    server: "subprocess.Popen[str]"
    order: str
    pids: list[int] = field(default_factory=list[int])
    kills: int = 0

    def start(self) -> None:
        """One worker more."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(f"{self.order}\n")
        self.server.stdin.flush()
        self.pids.append(int(self.server.stdout.readline()))

    def kill(self, place: int) -> None:
        """End one as the kernel does, and put another in its place."""
        os.kill(self.pids.pop(place % len(self.pids)), signal.SIGKILL)
        self.kills += 1
        self.start()


@contextmanager
def serving() -> Generator["subprocess.Popen[str]"]:
    """The process that workers are forked from, which has everything imported."""
    command = [sys.executable, *(["-P"] if sys.flags.safe_path else []), str(Path(errands.__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def crew(server: "subprocess.Popen[str]", url: str, directory: Path, number: int = 3) -> Generator[Crew]:
    """So many workers, and none afterwards."""
    made = Crew(server, json.dumps({"url": url, "directory": str(directory)}))
    try:
        for _ in range(number):
            made.start()
        yield made
    finally:
        for pid in made.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def kill_at_random(made: Crew, chance: random.Random, most: int) -> None:
    """Kill one worker after the other, at most so many."""
    while made.kills < most:
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        made.kill(chance.randrange(100))


class Program:
    """The program that has the work done, and the person who looks up what became of calls; neither dies."""

    def __init__(self, log: Turnlog, directory: Path) -> None:
        self._log = log
        self._ledger = Ledger(directory / "ledger")
        self._own = tools_of(self._ledger)

    async def release(self) -> None:
        """Begin the parent's two turns, the second once nothing is left to do."""
        for name in ("mark", "send"):
            await self._log.add_rule(RuleDraft(every_call("allow", name)))
        own = {tool.spec.name: tool for tool in self._own}
        tools = [own.get(name, name) for name in TOOLS]
        lead = await self._log.create_session("Release", model=Errands(), tools=tools)
        for said in (GO, AND_THEN):
            await lead.begin_turn(said)
            async with asyncio.timeout(PATIENCE):
                await self._until_over()

    async def _until_over(self) -> None:
        while under_way := [each for each in await self._log.list_sessions() if each.status not in ("idle", "closed")]:
            failed = [each.title for each in under_way if each.status == "failed"]
            assert not failed, f"{failed} failed"
            for each in under_way:
                if each.status == "suspended":
                    await self._look_up(each)
            await asyncio.sleep(0.05)

    async def _look_up(self, suspended: Metadata) -> None:
        session = await self._log.open_session(suspended.id, model=Errands(), tools=self._own)
        turn = (await session.state()).turn
        waits = None if turn is None else waits_for(turn)
        done = {entry.call_id for entry in self._ledger.entries()}
        for call in waits.unknown if waits else ():
            await session.resolve_unknown(call.call_id, "did" if call.call_id in done else "retry", "looked up")


# What is compared


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left of a run: what was told in each session whoever was faster, and the effects that were had."""

    observed: Observed
    effects: Sequence[Effected]
    takeovers: int


async def outcome(log: Turnlog, url: str, directory: Path) -> Outcome:
    """What there is once nothing is left to do."""
    said: dict[str, tuple[Said, ...]] = {}
    problems: dict[str, tuple[str, ...]] = {}
    takeovers = 0
    for each in await log.list_sessions():
        records = (await log.show(each.id)).history
        session = await log.open_session(each.id, model=Errands(), tools=tools_of(Ledger(directory / "ledger")))
        said[each.title] = (*_told(await session.replay()), *_facts(records))
        problems[each.title] = (*story_problems(each.id, records), *await _unaccounted(log, each.id, records))
        takeovers += sum(isinstance(record.event, LeaseTaken) for record in records)
    found = await observe(url)
    sessions = [
        session.model_copy(update={"said": said[session.title], "problems": problems[session.title]})
        for session in found.sessions
    ]
    observed = found.model_copy(update={"sessions": tuple(sessions)})
    return Outcome(observed, Ledger(directory / "ledger").entries(), takeovers)


def _told(items: Sequence[Item]) -> Iterator[Said]:
    """Calls and their results in order, what the program said, the mail in its order, and the last word.

    Between which calls mail came, and how often it was waited for, is a matter of who was faster.
    """
    mail: list[str] = []
    for item in items:
        if isinstance(item, ToolUsed):
            yield Said(role="assistant", type="tool_call", text=_anyhow(f"{item.tool} {item.arguments}"))
            text = " ".join(str(part.text) for part in item.content if isinstance(part, TextBlock))
            yield Said(role="user", type="tool_result", text=_anyhow(text), call_id=item.call_id)
        if isinstance(item, UserSaid):
            mail += _NEXT_MESSAGE.split(_anyhow(plain_text(item.blocks)))
    said = sorted(mail, key=lambda text: text.startswith("["))
    yield from (Said(role="user", type="text", text=text) for text in said)
    last = [plain_text(item.blocks) for item in items if isinstance(item, ModelSaid)][-1]
    yield Said(role="assistant", type="text", text=last)


def _anyhow(text: str) -> str:
    return _REQUEST_ID.sub("ask", text)


def _facts(records: Sequence[Recorded]) -> Iterator[Said]:
    """What the log says of others, whatever the order."""
    facts: list[str] = []
    for record in records:
        match record.event:
            case SubagentFinished() as event:
                facts.append(f"subagent {event.outcome}: {event.result}")
            case TeammateJoined() | TeammateLeft() as event:
                facts.append(f"{type(event).__name__} {event.name}")
            case MessagesDelivered() as event:
                facts += ["delivered"] * len(event.message_ids)
            case CompactionCompleted():
                facts.append("compacted")
            case _:
                pass
    yield from (Said(role="log", type="fact", text=fact) for fact in sorted(facts))


async def _unaccounted(log: Turnlog, session_id: str, records: Sequence[Recorded]) -> list[str]:
    """Subagents that are said to have used something else than the answers in their own logs took."""
    found: list[str] = []
    for record in records:
        if isinstance(event := record.event, SubagentFinished):
            (used,) = summed(await log.usage(event.child, tree=True))
            tokens = used.usage.input_tokens + used.usage.output_tokens
            if tokens != event.spent.tokens:
                found.append(f"{event.child} used {tokens} tokens, and {session_id} has {event.spent.tokens}")
    return found
