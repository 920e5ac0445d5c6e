"""The task board of a project: what people and agents do to it, side by side."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from turnlog.domain import (
    Actor,
    BoardAccess,
    BoardDecision,
    BoardTask,
    Body,
    Change,
    Event,
    NotFound,
    Origin,
    Session,
    Stamp,
    TaskBoard,
    board_stream,
    clean,
    commands,
)

from ..environment import Environment
from ..histories import load

Wording = commands.tasks.Wording


class Tasks:
    """A task board. Its commands are taken again where somebody else was faster, so those of many agents merge.

    A claim is for the session that is named, or else for whoever gives the command.
    """

    def __init__(self, env: Environment, stream: str) -> None:
        self._env = env
        self._stream = stream

    async def board(self, at: datetime | None = None) -> TaskBoard:
        """The board now, or as it was. Raises StoreError, CorruptRecord."""
        if at is not None:
            return await self._env.boards.read_at(self._stream, at)
        return await self._env.boards.read(self._stream)

    async def list(self) -> tuple[BoardTask, ...]:
        """All tasks there ever were, oldest first. Raises StoreError, CorruptRecord."""
        return tuple((await self.board()).tasks.values())

    async def add(self, subject: str, description: str = "", *, blocked_by: Sequence[str] = ()) -> BoardTask:
        """Add a task that waits until others are over. Raises InvalidInput, NotFound, StoreError."""
        wording = await self._wording(subject, description or None, blocked_by)
        board = await self._decide(lambda board, by: commands.tasks.add(board, by, wording))
        return list(board.tasks.values())[-1]

    async def change(
        self,
        task_id: str,
        *,
        subject: str | None = None,
        description: str | None = None,
        blocked_by: Sequence[str] | None = None,
    ) -> BoardTask:
        """Change what a task says, or waits for; None leaves it. Raises NotFound, InvalidInput, CommandRefused."""
        wording = await self._wording(subject, description, blocked_by)
        board = await self._decide(lambda board, by: commands.tasks.change(board, by, task_id, wording))
        return board.tasks[task_id]

    async def claim(self, task_id: str | None = None, *, session_id: str | None = None) -> BoardTask:
        """Claim a task, or the oldest that is ready. Raises NotFound, CommandRefused, StoreError."""
        if session_id is not None:
            await load(self._env, session_id)
        origin, by = Origin(session_id), self._env.stamp()
        await release_closed(self._env, self._stream)
        board = await self._env.boards.decide(
            self._stream, lambda board: commands.tasks.claim(board, by, task_id, origin)
        )
        if task_id is not None:
            return board.tasks[task_id]
        return max(board.held(commands.tasks.holder_of(by, origin)), key=lambda task: task.version)

    async def release(self, task_id: str, reason: str = "") -> BoardTask:
        """Give a task back that is not done, whoever has it. Raises NotFound, CommandRefused, StoreError."""
        board = await self._decide(lambda board, by: commands.tasks.release(board, by, task_id, clean(reason)))
        return board.tasks[task_id]

    async def complete(self, task_id: str, result: str = "") -> BoardTask:
        """Say that a task is done. Raises NotFound, CommandRefused, StoreError."""
        kept = await kept_text(self._env, result) if result else None
        board = await self._decide(lambda board, by: commands.tasks.complete(board, by, task_id, kept))
        return board.tasks[task_id]

    async def reopen(self, task_id: str, reason: str = "") -> BoardTask:
        """Have a task done again. Raises NotFound, CommandRefused, StoreError."""
        board = await self._decide(lambda board, by: commands.tasks.reopen(board, by, task_id, clean(reason)))
        return board.tasks[task_id]

    async def drop(self, task_id: str, reason: str = "") -> BoardTask:
        """Say that a task is not to be done. Raises NotFound, CommandRefused, StoreError."""
        board = await self._decide(lambda board, by: commands.tasks.drop(board, by, task_id, clean(reason)))
        return board.tasks[task_id]

    async def _decide(self, decision: BoardDecision) -> TaskBoard:
        by = self._env.stamp()
        return await self._env.boards.decide(self._stream, lambda board: decision(board, by))

    async def _wording(
        self, subject: str | None, description: str | None, blocked_by: Sequence[str] | None
    ) -> commands.tasks.Wording:
        kept = None if description is None else await kept_text(self._env, description)
        told = None if subject is None else self._env.redactor.text(clean(subject))
        return Wording(told, kept, blocked_by)


async def kept_text(env: Environment, text: str) -> Body:
    """A text as an event may hold it, without secrets. Raises StoreError."""
    return await env.bodies.keep(env.redactor.text(clean(text)))


async def tasks_of(env: Environment, session_id: str) -> Tasks:
    """The board that a session works with. Raises NotFound, StoreError."""
    session = await load(env, session_id)
    return Tasks(env, board_stream(session.project, session.id))


def tasks_of_project(env: Environment, project: str) -> Tasks:
    """The board of a project; one that nobody used yet is empty."""
    return Tasks(env, board_stream(clean(project), ""))


def board_access(env: Environment, session: Session, origin: Origin) -> BoardAccess:
    """What a call may do with the board of its session."""
    stream = board_stream(session.project, session.id)

    async def read() -> TaskBoard:
        await release_closed(env, stream)
        return await env.boards.read(stream)

    async def decide(decision: BoardDecision) -> TaskBoard:
        by = _by_worker(env)
        return await env.boards.decide(stream, lambda board: decision(board, by))

    async def keep(text: str) -> Body:
        return await kept_text(env, text)

    return BoardAccess(origin, read, decide, keep, env.bodies.readable)


async def release_closed(env: Environment, stream: str) -> None:
    """Release what closed sessions claimed and nobody released, as when they were rewound. Raises StoreError."""
    board = await env.boards.read(stream)
    for holder in {task.holder for task in board.tasks.values() if task.state == "claimed" and task.holder}:
        try:
            closed = (await load(env, holder)).closed
        except NotFound:  # a person
            continue
        if closed:
            await env.boards.decide(stream, partial(_releases, env, holder))


def _releases(env: Environment, session_id: str, board: TaskBoard) -> tuple[Event, ...]:
    """What a session that is closed gives back."""
    return commands.tasks.release_all(board, _by_worker(env), session_id, "its session was closed")


async def release_change(env: Environment, session: Session) -> list[Change]:
    """The same as a change of the board, for the transaction in which the session is closed. Raises StoreError."""
    stream = board_stream(session.project, session.id)
    board = await env.boards.read(stream)
    events = _releases(env, session.id, board)
    return [Change(stream, board.version, events)] if events else []


def _by_worker(env: Environment) -> Stamp:
    return env.stamp(Actor(kind="worker", id=env.worker))
