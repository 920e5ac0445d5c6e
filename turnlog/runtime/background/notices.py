"""Telling the model, with its next request, what became of background tasks."""

from turnlog.domain import BackgroundTask, commands, text_of
from turnlog.projections import BACKGROUND, how_it_stands, project

from ..histories import history
from ..worker import Worker

_COMMAND = 200


async def notify(worker: Worker, tasks: tuple[str, ...]) -> None:
    """Decide to tell of these tasks. Raises StoreError, and what the decision raises."""
    rows = project(BACKGROUND, await history(worker.env.log, worker.session.id)).rows
    lines = [_line(rows[task]) for task in tasks if task in rows]
    notice = commands.inputs.Notice(tasks, await worker.env.bodies.keep("\n".join((_heading(lines), *lines))))
    by, epoch, input_id = worker.stamp(), worker.epoch, worker.env.ids.new("input")
    worker.decide(lambda session: commands.inputs.notify(session, by, epoch, input_id, notice))


def _heading(lines: list[str]) -> str:
    return "[Notice of turnlog, not of the user] Background tasks are over:" if lines else "[Notice of turnlog]"


def _line(task: BackgroundTask) -> str:
    shown = " ".join(text_of(task.command).split())
    shown = shown if len(shown) <= _COMMAND else f"{shown[:_COMMAND]}…"
    written = 0 if task.output is None else task.output.stdout.size + task.output.stderr.size
    return f"- {task.task_id} ({shown}): {how_it_stands(task)}; it wrote {written:,} bytes"
