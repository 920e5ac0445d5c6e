"""Write the golden logs of this version: `python -m tests.golden.write VERSION`, from the checkout, once a release.

A golden log is what a released turnlog stored, row by row, beside what it then made of it. It is never written again.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, JsonValue

from turnlog.domain import (
    Actor,
    Bounds,
    Limits,
    ModelSettings,
    Policy,
    Recorded,
    Surroundings,
    ToolContext,
    ToolOutput,
    ToolSpec,
    every_call,
)
from turnlog.front import Turnlog
from turnlog.infrastructure import models, permissions, store, tools
from turnlog.runtime import Environment, Modify, ProposedCall, RuleDraft, SessionHandle, allow, deny
from turnlog.testing import CountingIds, VirtualClock

from ..domain.every_event import SAMPLES

HERE = Path(__file__).parent


class Nobody:
    """No other process runs."""

    def alive(self, worker: str) -> bool | None:
        return False


@tools.tool(effect="pure")
def look(name: str) -> str:
    """Look a thing up."""
    return f"{name} is as it was\n" * 2_000


@tools.tool
def send(to: str) -> str:
    """Send it."""
    return f"sent to {to} 🦜"


def script() -> models.ScriptedModel:
    """Looks, asks twice, is refused once, and writes something that is no JSON."""
    call, reply = models.ScriptedCall, models.ScriptedReply
    return models.ScriptedModel(
        [
            reply(
                thinking="Where was it?",
                text="Let me look.",
                calls=(call(name="look", arguments={"name": "Grüße"}), call(name="send", arguments={"to": "Ada"})),
            ),
            reply(calls=(call(name="send", arguments={"to": "Bo"}), call(name="send", raw="{no"))),
            "Ada has it; Bo does not want it.",
            reply(
                failures=(models.ScriptedFailure(failure="overloaded", message="busy", retryable=True),), text="Yes."
            ),
        ]
    )


class Count(BaseModel):
    """How many there are."""

    number: int


class Careful:
    """Looks things up in small letters."""

    name = "careful"

    async def judge(self, call: ProposedCall) -> Modify:
        return Modify({"name": str(call.arguments["name"]).lower()}, "small letters do")


def counting() -> models.ScriptedModel:
    """Looks, answers in words where a value is wanted, gives a wrong value, and then the right one."""
    call, reply = models.ScriptedCall, models.ScriptedReply
    return models.ScriptedModel(
        [
            reply(calls=(call(name="look", arguments={"name": "DUCKS"}),), cost=Decimal("0.0125")),
            "Three.",
            reply(calls=(call(name="final_answer", arguments={"number": "three"}),)),
            reply(calls=(call(name="final_answer", arguments={"number": 3}),)),
        ]
    )


async def count(log: Turnlog) -> SessionHandle:
    """A session that is steered, stopped, resumed within other limits, and ends in a value."""

    @tools.tool(effect="pure")
    async def look(name: str) -> str:
        """Look a thing up."""
        await session.steer("Only those on the water.")
        await session.stop("lunch")
        return f"three {name}"

    session = await log.create_session(
        "Counting", model=counting(), tools=[look], hooks=[Careful()], limits=Limits(cost=Decimal(2), tool_calls=9)
    )
    await session.append_turn("How many ducks?", output=Count, limits=Limits(rounds=3, seconds=3600))
    await session.resume_turn(output=Count, limits=Limits(rounds=8))
    await session.configure(settings=ModelSettings(temperature=0.5, stop=("END",)))
    return session


class Job:
    """Does what a file says that changes once."""

    spec = ToolSpec(name="job", description="Do the job.", parameters={"type": "object", "properties": {}})

    def __init__(self) -> None:
        self.file = "as it was"

    def surroundings(self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        """The file it reads."""
        return Surroundings(files={"job.py": self.file})

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call as an approver sees it."""
        return "job"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Done."""
        return ToolOutput(("done",))


def permitted() -> models.ScriptedModel:
    """Does a job, twice at once, then what is counted, then what two have to agree on."""
    call, reply = models.ScriptedCall, models.ScriptedReply
    job, note, pay = (call(name=name) for name in ("job", "note", "pay"))
    return models.ScriptedModel([reply(calls=(job, job)), reply(calls=(note,)), reply(calls=(pay,)), "Done."])


async def permit(log: Turnlog, env: Environment) -> SessionHandle:
    """A session in which one answer settles two calls and is outdated, a rule is used up, and two persons agree."""

    @tools.tool
    async def note() -> str:
        """Note it."""
        return "noted"

    @tools.tool
    async def pay() -> str:
        """Pay it."""
        return "paid"

    job = Job()
    await log.add_rule(RuleDraft(every_call("allow", "note"), uses=1))
    session = await log.create_session(
        "Permissions", model=permitted(), tools=[job, note, pay], policy=Policy(name="golden", two_persons=("pay",))
    )
    waiting = await session.append_turn("Do the job, and pay.")
    await session.resolve_permission(waiting.waiting_for[0], allow())
    job.file = "as it is now"
    again = await session.resume_turn()
    await session.resolve_permission(again.waiting_for[0], allow("it is better now"))
    payment = await session.resume_turn()
    await session.resolve_permission(payment.waiting_for[0], allow())
    object.__setattr__(env, "user", Actor(kind="user", id="bo"))
    await session.resolve_permission(payment.waiting_for[0], allow("agreed"))
    await session.resume_turn()
    return session


async def tell(log: Turnlog) -> SessionHandle:
    """Tell the story of a session and of its fork; the fork."""
    session = await log.create_session(
        "A golden session", model=script(), tools=[look, send], system="Be brief.", project="golden"
    )
    first = await session.append_turn("Send it to Ada and Bo.")
    await log.resolve_permission(first.waiting_for[0], allow("she asked for it", remember="project"))
    second = await session.resume_turn()
    await log.resolve_permission(second.waiting_for[0], deny("he does not want it", remember="session"))
    await session.resume_turn()
    await session.rename("A golden session, renamed")
    await session.append_turn("Is that all?")
    return await session.fork(9, title="Another way")


async def write(version: str) -> None:
    """Write all golden logs of a version."""
    target = HERE / version
    target.mkdir()
    opened = store.open_store("memory:")
    async with opened:
        env = Environment(
            log=opened.log,
            blobs=opened.blobs,
            clock=VirtualClock(),
            ids=CountingIds(),
            workers=Nobody(),
            models=lambda name: script(),
            tools=lambda name: None,
            permissions=permissions.StructuredPermissions(),
            user=Actor(kind="user", id="ada"),
            worker="golden:1:1",
        )
        log = Turnlog(env, opened.close)
        fork = await tell(log)
        counted = await count(log)
        judged = await permit(log, env)
        rows = [row(record) for record in await opened.log.read_all(limit=10_000)]
        parent = (await fork.metadata()).parent
        assert parent is not None
        states = {name: (await log.show(name)).state() for name in (parent, fork.id, counted.id, judged.id)}
    (target / "sessions.jsonl").write_text("".join(f"{line}\n" for line in rows))
    (target / "states.json").write_text(f"{json.dumps(states, indent=1, ensure_ascii=False)}\n")
    samples = [row(Recorded("every", place, event)) for place, event in enumerate(SAMPLES, start=1)]
    (target / "every_event.jsonl").write_text("".join(f"{line}\n" for line in samples))


def row(record: Recorded) -> str:
    """A stored row as a line of JSON."""
    entry = store.mapper.Entry(record.stream, record.version, record.event)
    stored = store.mapper.EventMapper().to_stored_event(entry)
    return json.dumps(
        {
            "stream": stored.originator_id,
            "version": stored.originator_version,
            "topic": stored.topic,
            "state": stored.state.decode(),
        },
        ensure_ascii=False,
    )


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
