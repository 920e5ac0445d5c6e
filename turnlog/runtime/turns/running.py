"""Running calls: announce, do, record; durable before the effect, and again before the model sees the outcome."""

import asyncio
import time
from dataclasses import dataclass

from turnlog.domain import (
    BlobDamaged,
    BlobMissing,
    Call,
    OutcomeUnknown,
    ToolContext,
    ToolOutput,
    TurnlogError,
    clean,
    commands,
)

from ..digests import digest
from ..environment import Wrapping
from ..permissions.answers import Outdated, confirmed
from ..permissions.judging import understood
from ..permissions.looking import Look, Unreadable
from ..permissions.verdicts import deny, outdate
from ..rerun.recorded_results import BROKEN_OFF
from ..rerun.reusing import Reused, not_recorded, reused
from ..worker import OutOfTime, SubagentLost, SubagentPaused, Worker
from .arguments import InvalidArguments
from .contexts import context_of, reporter_of
from .outcomes import checked_output, result_of


@dataclass(frozen=True, slots=True)
class _Job:
    """A call to run, or one that a result on record takes the place of."""

    call: Call
    look: Look
    reused: Reused | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    output: ToolOutput
    duration_ms: int


async def run_calls(worker: Worker, calls: tuple[Call, ...]) -> None:
    """Run calls, side by side where there are several. Raises SessionLost, StoreError."""
    # All are looked at before any is announced: where a body is missing, none of them may seem to have begun.
    looks = [await _last_look(worker, call) for call in calls]
    ready = [await _ready(worker, call, look) for call, look in zip(calls, looks, strict=True)]
    jobs = [_announce(worker, call, found) for call, found in zip(calls, ready, strict=True)]
    await _run(worker, [job for job in jobs if job is not None])


async def _run(worker: Worker, jobs: list[_Job]) -> None:
    await worker.flush()
    started = [
        _Job(call, job.look, job.reused) for job in jobs if (call := _ours(worker, job.call.call_id)) is not None
    ]
    if not started:
        return
    batch = _Batch(worker, started)
    try:
        await worker.during(batch.run())
    except asyncio.CancelledError:
        await _record_all(worker, batch, "cancelled")
        raise
    except OutOfTime:
        await _record_all(worker, batch, "stopped, because the turn's deadline passed,")
        raise
    await _record_all(worker, batch, "lost")
    if batch.failed is not None:  # what others came to is recorded, where that is possible; the turn stays open
        await worker.flush()
        raise batch.failed
    if batch.paused:
        await worker.refresh()  # the log says what they wait for


async def _last_look(worker: Worker, call: Call) -> Look | Outdated | commands.tools.Denial:
    """The call as it is immediately before the effect, or why it must not run."""
    try:
        return await confirmed(worker, call, await understood(worker, call))
    except (InvalidArguments, ValueError) as problem:
        return commands.tools.Denial("invalid", str(problem))
    except Unreadable as problem:
        return commands.tools.Denial("policy", str(problem), "unreadable")


async def _ready(
    worker: Worker, call: Call, look: Look | Outdated | commands.tools.Denial
) -> _Job | Outdated | commands.tools.Denial:
    """What is to run, or to take its place. Raises BlobMissing, BlobDamaged, StoreError."""
    if not isinstance(look, Look):
        return look
    if call.reused is None and (denial := not_recorded(worker, call, look.of)) is not None:
        return denial
    return _Job(call, look, await reused(worker, call, look))


def _announce(worker: Worker, call: Call, found: _Job | Outdated | commands.tools.Denial) -> _Job | None:
    """Decide that a call starts; None where it must not, and what becomes of it is decided."""
    match found:
        case Outdated(changed):
            outdate(worker, call, changed)
            return None
        case commands.tools.Denial():
            deny(worker, call, found)
            return None
        case _Job():
            _start(worker, found)
            return found


def _start(worker: Worker, job: _Job) -> None:
    call, look, instead = job.call, job.look, job.reused
    execution = commands.tools.Execution(
        call.tool,
        call.digest or "",
        look.of.tool.spec.effect if instead is None else "pure",
        digest(dict(look.of.arguments)),
        look.surroundings.sandbox if instead is None else "none",
        None if instead is None else instead.place,
    )
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: commands.tools.start(session, by, epoch, call.call_id, execution))


def _ours(worker: Worker, call_id: str) -> Call | None:
    """The call, where this worker has started it."""
    turn = worker.session.turn
    call = turn.call(call_id) if turn else None
    return call if call is not None and call.state == "started" and call.epoch == worker.epoch else None


class _Batch:
    """Calls run side by side. What has ended by the time this is cancelled is in `outcomes` all the same.

    `lost` says, by call, why a tool cannot tell how its call ended; `failed` is why a subagent is not run
    here any more; its call is among the `paused` then: whoever takes the session runs it again.
    """

    def __init__(self, worker: Worker, jobs: list[_Job]) -> None:
        self.jobs = jobs
        self.outcomes: dict[str, _Outcome] = {}
        self.lost: dict[str, str] = {}
        self.running: set[str] = set()
        self.paused: set[str] = set()
        self.failed: TurnlogError | None = None
        self._worker = worker

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for job in self.jobs:
                if job.reused is None:
                    group.create_task(self._do(job))

    async def _do(self, job: _Job) -> None:
        if self._worker.lost:  # it was read between the look before the batch and this moment
            return
        call_id = job.call.call_id
        self.running.add(call_id)
        reporter = reporter_of(self._worker, job.call)
        try:
            self.outcomes[call_id] = await _do(
                job, context_of(self._worker, job.call, job.look, reporter), self._worker.env.wrapping
            )
        except SubagentPaused:
            self.paused.add(call_id)
        except SubagentLost as lost:
            self.paused.add(call_id)
            self.failed = lost.error
        except OutcomeUnknown as error:
            self.lost[call_id] = self._worker.env.redactor.text(clean(error.message))
        finally:
            reporter.end()
            self.running.discard(call_id)


async def _do(job: _Job, context: ToolContext, wrapping: Wrapping | None) -> _Outcome:
    begun, tool = time.monotonic(), job.look.of.tool
    run = tool.run if wrapping is None else wrapping.run(tool)
    try:
        output = checked_output(await run(job.look.of.arguments, context))
    except (OutcomeUnknown, SubagentPaused, SubagentLost):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is its answer; a turn never breaks on it
        output = ToolOutput((clean(f"{type(error).__name__}: {error}"),), is_error=True)
    return _Outcome(output, round((time.monotonic() - begun) * 1000))


async def _record(worker: Worker, job: _Job, outcome: _Outcome) -> None:
    _finish(worker, job.call, await result_of(worker, job.call, outcome.output, outcome.duration_ms))


def _finish(worker: Worker, call: Call, result: commands.tools.Result) -> None:
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: commands.tools.finish(session, by, epoch, call.call_id, result))


async def _record_all(worker: Worker, batch: _Batch, otherwise: str) -> None:
    """Record what came of the calls, in their order; of those without an outcome, that they were `otherwise`."""
    said = ToolOutput((f"{otherwise} {BROKEN_OFF}",), is_error=True)
    for job in batch.jobs:
        call_id = job.call.call_id
        if call_id in batch.paused:
            continue
        if job.reused is not None:
            _finish(worker, job.call, job.reused.result)
        elif call_id in batch.running:  # it was told to end, and does not
            seconds = worker.env.settings.grace_seconds
            _lose(worker, job.call, f"{otherwise} while it was running, and it did not end within {seconds:g} s")
        elif call_id in batch.lost:
            _lose(worker, job.call, batch.lost[call_id])
        else:
            await _record(worker, job, batch.outcomes.get(call_id) or _Outcome(said, 0))


async def recover_calls(worker: Worker, calls: tuple[Call, ...]) -> None:
    """Run calls left over by a dead worker again where that is safe; otherwise record that their outcome is unknown.

    Calls of this worker that were put aside go on as they were announced. Raises SessionLost, StoreError.
    """
    found = [await _look_again(worker, call) for call in calls]
    jobs: list[_Job] = []
    for call, job in zip(calls, found, strict=True):
        if job is None:
            _lose(worker, call, "the worker ended while the tool was running")
        else:
            if call.epoch != worker.epoch:
                _start(worker, job)
            jobs.append(job)
    if jobs:
        await _run(worker, jobs)


def _lose(worker: Worker, call: Call, reason: str) -> None:
    by, epoch = worker.stamp(), worker.epoch
    worker.decide(lambda session: commands.tools.lose(session, by, epoch, call.call_id, reason))


async def _look_again(worker: Worker, call: Call) -> _Job | None:
    """A call that is still the one that was started, and whose tool says that running twice does no harm.

    One that a result on record took the place of has that again, and never runs.
    """
    try:
        found = await understood(worker, call)
        if call.reused is None and "external" in (call.effect, found.tool.spec.effect):
            return None
        look = await confirmed(worker, call, found)
        instead = await reused(worker, call, look) if isinstance(look, Look) else None
    except (InvalidArguments, ValueError, Unreadable, BlobMissing, BlobDamaged):
        return None  # what cannot be read again cannot be run again
    if not isinstance(look, Look) or (call.reused is not None and instead is None):
        return None
    return _Job(call, look, instead)
