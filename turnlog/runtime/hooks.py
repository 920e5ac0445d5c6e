"""Hooks: code of the calling program beside every turn. Gates judge proposed calls, observers are told of events.

A hook never breaks a turn: what it raises, and that it takes too long, is told and stays its own affair.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import JsonValue

from turnlog.domain import InvalidInput, Recorded, ToolSpec, clean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A call as the gate is asked about it. `arguments` are those earlier gates left, and this gate's own copy."""

    session_id: str
    turn_id: str
    call_id: str
    tool: ToolSpec
    arguments: Mapping[str, JsonValue]
    workspace: Path | None


@dataclass(frozen=True, slots=True)
class Allow:
    """The gate has nothing against the call; rules and the person still have their say."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The call will not run; `reason` is what the model is told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Modify:
    """The call goes on with these arguments in place of the ones it had; `reason` is for people."""

    arguments: Mapping[str, JsonValue]
    reason: str = ""


@runtime_checkable
class Gate(Protocol):
    """Judges calls before anything else does. `name` is what the log says of its verdicts."""

    @property
    def name(self) -> str:
        """Unique among the hooks of a session."""
        ...

    async def judge(self, call: ProposedCall) -> Allow | Deny | Modify:
        """Let the call through, refuse it or change it. The call is refused where this raises or takes too long."""
        ...


@runtime_checkable
class Observer(Protocol):
    """Is told what is recorded."""

    @property
    def name(self) -> str:
        """Unique among the hooks of a session."""
        ...

    async def observe(self, recorded: Recorded) -> None:
        """Take note of an event that is in the log. What this raises is told once and changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """The authorizer leaves the call to the rules, and to a person where they say nothing."""


@runtime_checkable
class Authorizer(Protocol):
    """Decides, in a person's place, calls that no rule denies. `name` is what the log says of its verdicts."""

    @property
    def name(self) -> str:
        """What the log says decided."""
        ...

    async def authorize(self, call: ProposedCall) -> Allow | Deny | Ask:
        """Allow the call, deny it, or leave it. It is denied where this raises or takes too long."""
        ...


Hook = Gate | Observer


class HookFailed(Exception):
    """A hook raised, took too long, or answered what cannot be; the message says which."""


def in_order(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """The hooks, in their order. Raises InvalidInput for one that is none, and for a name that is taken or blank."""
    arranged = tuple(hooks)
    names: set[str] = set()
    for hook in arranged:
        _check_kind(hook)
        if not hook.name.strip() or clean(hook.name) != hook.name:
            raise InvalidInput(f"a hook needs a name that can be printed, not {hook.name!r}")
        if hook.name in names:
            raise InvalidInput(f"two hooks of one session cannot have the same name, {hook.name!r}")
        names.add(hook.name)
    return arranged


def _check_kind(hook: object) -> None:
    """Refuse what looks like a gate and would never be asked."""
    if not isinstance(hook, Gate | Observer):
        raise InvalidInput(f"{hook!r} is no hook: it needs a name, and judge(call) or observe(recorded)")


async def answer_of(hook: Callable[[], Awaitable[T]], seconds: float, grace: float) -> T:
    """What a hook answers within so many seconds; one that does not end when it is told to is left after `grace`.

    Raises HookFailed; a cancellation passes through.
    """
    task = asyncio.ensure_future(_answer(hook))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise HookFailed(f"took longer than {seconds:g} s")
        if task.cancelled():
            raise HookFailed("was cancelled from inside")
        answer = task.result()
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=grace)
    if isinstance(answer, HookFailed):
        raise answer
    return answer


async def _answer(hook: Callable[[], Awaitable[T]]) -> T | HookFailed:
    try:
        return await hook()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a hook raises, the turn goes on
        return HookFailed(clean(f"raised {type(error).__name__}: {error}"))
