"""Facts about the session as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from ..content import Body, Value
from ..settings import Limits, ModelSettings
from .base import Event
from .subagent import SpawnedBy
from .turn import TurnState

_Tags = Annotated[tuple[str, ...], Field(exclude_if=lambda value: not value)]


class SessionStarted(Event):
    """A session began. `tools` are the names on offer; `workspace` is the directory its tools may touch.

    `limits` hold for all turns together. `policy` is the JSON of its `Policy`; None: the standard one. With `memory`
    what its project has pinned is put in front of each turn. A subagent names who it was `spawned_by`.
    """

    title: str
    model: str
    project: str | None = None
    workspace: str | None = None
    system: Body | None = None
    tools: tuple[str, ...] = ()
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Body | None = None
    tags: _Tags = ()
    memory: bool | None = None
    spawned_by: SpawnedBy | None = None


class Rerun(Value):
    """What a fork does again: the turns of a session `of` up to its version `until`, with the results on record there.

    With `recorded_only` a call whose result is not on record is denied.
    """

    of: str
    until: int
    recorded_only: bool = False


class SessionForked(Event):
    """This stream goes on from another one at a version; what came before is read from there, not copied.

    An open turn of the parent does not stay open here. Session grants are dropped unless `keeps_grants`.
    Model, project, tags, the number of completed turns and how the latest turn stands (`turn`, None for no turn yet)
    are repeated so that this stream alone is enough to list it. `rerun` says what is done again here.
    """

    parent: str
    parent_version: int
    title: str
    model: str
    project: str | None = None
    completed_turns: int = 0
    turn: TurnState | None = None
    keeps_grants: bool = False
    tags: _Tags = ()
    rerun: Annotated[Rerun | None, Field(exclude_if=lambda value: value is None)] = None


class SessionRenamed(Event):
    """The title changed."""

    title: str


class SessionTagged(Event):
    """Tags were put on the session, or taken off it."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class SessionConfigured(Event):
    """Settings for the turns to come changed; None leaves a setting as it was."""

    model: str | None = None
    system: Body | None = None
    tools: tuple[str, ...] | None = None
    settings: ModelSettings | None = None
    limits: Limits | None = None
    policy: Body | None = None
    memory: bool | None = None


class SessionClosed(Event):
    """No further turn will be accepted. `successor` is the session that goes on in its place, after a rewind."""

    reason: str = ""
    successor: str | None = None


class NoticeRaised(Event):
    """Something a person should know."""

    severity: Literal["info", "warning"]
    message: str
