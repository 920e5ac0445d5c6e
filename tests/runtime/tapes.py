"""A log with calls on record, written event by event: what was asked for, and what was decided on it."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from turnlog.domain import (
    Actor,
    AuthorizedBy,
    BlobRef,
    Body,
    Change,
    DeniedBy,
    Evaluation,
    Event,
    ModelRequested,
    ModelResponded,
    PermissionJoined,
    PermissionRequested,
    Policy,
    SessionForked,
    SessionStarted,
    Stamp,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallBlock,
    ToolCallDenied,
    ToolSpec,
    TurnStarted,
)

from .world import World

TURN = "turn_1"
SPECS = (
    ToolSpec(name="look", description="", parameters={}, effect="pure"),
    ToolSpec(name="act", description="", parameters={}),
    ToolSpec(name="shell", description="", parameters={}),
    ToolSpec(name="read_file", description="", parameters={}, effect="pure"),
)


@dataclass
class Tape:
    """One session being recorded; `version` is that of its latest event."""

    world: World
    session: str = "session-1"
    version: int = 0
    calls: int = field(default=0)

    @property
    def by(self) -> Stamp:
        return {"at": self.world.clock.now(), "actor": Actor(kind="worker", id="desk")}

    async def add(self, *events: Event) -> int:
        """Append; the version of the latest event."""
        await self.world.log.append(Change(self.session, self.version, events))
        self.version += len(events)
        return self.version

    async def begin(self, policy: Policy | None = None, **more: Any) -> "Tape":
        """The session, a turn, and a request with all tools on offer."""
        written = None if policy is None else policy.model_dump_json()
        await self.add(SessionStarted(**self.by, title="t", model="m", policy=written, **more))
        return await self.turn()

    async def fork(self, at: int, session: str) -> "Tape":
        """A session that goes on from this one at a version."""
        child = Tape(self.world, session)
        await child.add(SessionForked(**self.by, parent=self.session, parent_version=at, title="t", model="m"))
        return await child.turn()

    async def turn(self) -> "Tape":
        tools = await self.world.env.bodies.keep_tools(SPECS)
        await self.add(TurnStarted(**self.by, turn_id=TURN, content=()), self.requested(tools))
        return self

    def requested(self, tools: BlobRef | None) -> ModelRequested:
        return ModelRequested(**self.by, turn_id=TURN, model="m", round=1, attempt=1, digest="d", tools=tools)

    async def ask_for(self, tool: str, arguments: Body | None = None, **named: Any) -> str:
        """The model asks for a call; its id."""
        self.calls += 1
        call_id = f"{self.session}/call-{self.calls}"
        block = ToolCallBlock(call_id=call_id, name=tool, arguments=arguments or json.dumps(named))
        await self.add(ModelResponded(**self.by, turn_id=TURN, model="m", round=1, blocks=(block,)))
        return call_id

    async def allowed(self, tool: str, by: AuthorizedBy = "rule", *rules: str, **arguments: Any) -> str:
        """A call that was authorised without a question."""
        call_id = await self.ask_for(tool, **arguments)
        await self.authorize(call_id, by, *rules)
        return call_id

    async def authorize(self, call_id: str, by: AuthorizedBy, *rules: str) -> None:
        said = Evaluation(verdict="allow", why="so", rules=rules)
        source = rules[0] if rules else None
        await self.add(
            ToolCallAuthorized(
                **self.by, turn_id=TURN, call_id=call_id, digest="d", by=by, source=source, evaluation=said
            )
        )

    async def denied(self, tool: str, by: DeniedBy = "rule", source: str | None = "r", **arguments: Any) -> str:
        """A call that was refused."""
        call_id = await self.ask_for(tool, **arguments)
        said = Evaluation(verdict="deny", why="so")
        await self.add(
            ToolCallDenied(**self.by, turn_id=TURN, call_id=call_id, by=by, reason="no", source=source, evaluation=said)
        )
        return call_id

    async def asked(self, tool: str, exact: str = "exact", **arguments: Any) -> str:
        """A call that a person was asked about."""
        call_id = await self.ask_for(tool, **arguments)
        now = self.world.clock.now()
        await self.add(
            PermissionRequested(
                **self.by,
                turn_id=TURN,
                call_id=call_id,
                request_id=f"request of {call_id}",
                tool=tool,
                digest="d",
                display="",
                display_digest="d",
                expires_at=now + timedelta(hours=1),
                exact=exact,
            )
        )
        return call_id

    async def joined(self, other: str, tool: str, **arguments: Any) -> str:
        """A call that waits for the answer to the question about another."""
        call_id = await self.ask_for(tool, **arguments)
        request = f"request of {other}"
        await self.add(PermissionJoined(**self.by, turn_id=TURN, call_id=call_id, request_id=request, digest="d"))
        return call_id

    async def amend(self, call_id: str, **arguments: Any) -> None:
        """Other arguments for a call."""
        written = json.dumps(arguments)
        await self.add(ToolCallAmended(**self.by, turn_id=TURN, call_id=call_id, arguments=written, source="hook"))
