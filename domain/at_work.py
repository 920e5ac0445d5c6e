"""What works for a session as decisions see it: background tasks and subagents."""

from dataclasses import dataclass

from .events import PauseReason
from .turn import NOTHING, Spent


@dataclass(frozen=True)
class RunningTask:
    """A background task that runs, and who runs it. `version` is that of the latest event that changed it."""

    task_id: str
    worker: str
    version: int
    stopping: bool = False


@dataclass(frozen=True)
class Background:
    """The background tasks: how many there ever were, those that run, and those whose end the model has not heard of.

    Ids are `bg-1` and so on, in the order the tasks began.
    """

    started: int = 0
    running: tuple[RunningTask, ...] = ()
    untold: tuple[str, ...] = ()

    def task(self, task_id: str) -> RunningTask | None:
        """The running task under this id."""
        return next((task for task in self.running if task.task_id == task_id), None)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all tasks there ever were."""
        return frozenset(f"bg-{number}" for number in range(1, self.started + 1))


NO_TASKS = Background()


@dataclass(frozen=True)
class Subagent:
    """A subagent that is not done: its session, and the turn and call it works for, if any.

    `paused` says that its own turn was put aside, and why; `waiting_for` are the ids of its questions then. `version`
    is that of the latest event about it.
    """

    child: str
    path: str
    version: int
    turn_id: str | None = None
    call_id: str | None = None
    paused: PauseReason | None = None
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subagents:
    """The subagents that are not done, and what those used that are, beside what counts for the latest turn."""

    active: tuple[Subagent, ...] = ()
    spent: Spent = NOTHING

    def find(self, child: str) -> Subagent | None:
        """The subagent whose session this is, unless it is done."""
        return next((agent for agent in self.active if agent.child == child), None)

    def of_call(self, call_id: str) -> tuple[Subagent, ...]:
        """Those that work for a call."""
        return tuple(agent for agent in self.active if agent.call_id == call_id)


NO_SUBAGENTS = Subagents()

MAIN = "main"
"""The path of an agent that works for no other."""

TASK_TOOL = "task"
"""The tool with which a model hands work to a subagent."""
