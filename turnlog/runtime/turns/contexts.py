"""The context of a call: what its tool may know while it runs, and by which it may be heard."""

from collections.abc import Callable
from functools import partial

from turnlog.domain import (
    BackgroundTasks,
    BoardAccess,
    Bounds,
    Call,
    MemoryAccess,
    NotFound,
    Origin,
    ToolContext,
    ToolProgress,
    ToolSpec,
)

from ..background.records import Place
from ..background.tasks import background_tasks
from ..environment import Environment
from ..memory.facts import memory_access
from ..permissions.looking import Look
from ..teams.task_board import board_access
from ..worker import Worker
from .live import LiveProgress
from .progress import Reporter


def reporter_of(worker: Worker, call: Call) -> Reporter:
    """Shows what a call that has started has to show."""
    turn_id = worker.session.turn.turn_id if worker.session.turn else ""
    piece = partial(LiveProgress, worker.session.id, turn_id, call.version, call.call_id)

    def publish(progress: ToolProgress) -> None:
        worker.env.live.publish(piece(progress))

    return Reporter(publish, worker.env.redactor)


def context_of(worker: Worker, call: Call, look: Look, progress: Callable[[ToolProgress], None]) -> ToolContext:
    """The context of a call that has started, in the epoch of its start: whoever has lost the session has no other."""
    bounds = look.policy.policy.bounds
    return ToolContext(
        session_id=worker.session.id,
        call_id=call.call_id,
        idempotency_key=f"{worker.session.id}/{call.call_id}",
        epoch=call.epoch,
        attempt=call.attempt,
        workspace=look.of.workspace,
        bounds=bounds,
        progress=progress,
        secret=partial(_secret, worker.env, look.of.tool.spec, bounds),
        state={
            **worker.env.state,
            BackgroundTasks: _background(worker, call, bounds),
            MemoryAccess: memory_access(
                worker.env, worker.session, Origin(worker.session.id, call.call_id), call.version
            ),
            BoardAccess: board_access(worker.env, worker.session, Origin(worker.session.id, call.call_id)),
        },
        redact=worker.env.redactor.text,
        delegate=None if worker.delegates is None else worker.delegates(call),
        program_id=look.surroundings.program_id,
    )


def _background(worker: Worker, call: Call, bounds: Bounds) -> BackgroundTasks:
    place = Place(worker.session.id, call.call_id, call.epoch, bounds.background)
    return background_tasks(worker.env, place)


def _secret(env: Environment, spec: ToolSpec, bounds: Bounds, name: str) -> str:
    """The value of a secret. Raises NotFound where the tool may not have it, or nobody gave it."""
    permitted = (*spec.secrets, *(bounds.secrets if spec.executes else ()))
    if name not in permitted:
        raise NotFound(f"the tool {spec.name} may not have the secret {name!r}; its `secrets` do not name it")
    if name not in env.secrets:
        raise NotFound(f"nobody gave the secret {name!r}; give it when the log is opened: secrets={{{name!r}: ...}}")
    return env.secrets[name]
