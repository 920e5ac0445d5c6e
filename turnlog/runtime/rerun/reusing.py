"""Results on record in place of effects, in the turns of a rerun."""

from dataclasses import dataclass

from turnlog.domain import Call, commands

from ..digests import digest
from ..permissions.looking import Look, Understood
from ..replay.recorded_output import output_of
from ..turns.outcomes import result_of
from ..worker import Worker
from .recorded_results import RecordedResult, RecordedResults

RECORDED_ONLY = "recorded_only"
"""What is said to have denied a call in a rerun that runs none."""


@dataclass(frozen=True, slots=True)
class Reused:
    """What is recorded of a call in place of running it, and the `place` it is taken from."""

    place: str
    result: commands.tools.Result


def in_rerun(worker: Worker) -> RecordedResults | None:
    """The results on record that the open turn may use; None where it does nothing again."""
    turn = worker.session.turn
    return worker.recorded if turn is not None and turn.rerun else None


def not_recorded(worker: Worker, call: Call, of: Understood) -> commands.tools.Denial | None:
    """The denial of a call in a rerun where only calls with a result on record go through."""
    results = in_rerun(worker)
    if results is None or not results.refuses(call.tool, digest(dict(of.arguments))):
        return None
    said = "this session is run again with recorded results only, and there is none left for this call"
    return commands.tools.Denial("policy", said, RECORDED_ONLY)


async def reused(worker: Worker, call: Call, look: Look) -> Reused | None:
    """The result that takes the place of running a call: the next one for it, or the one that it began with.

    Raises BlobMissing, BlobDamaged, StoreError.
    """
    results = in_rerun(worker)
    if results is None:
        return None
    if call.reused is not None:
        found = results.used.get(call.reused)
    else:
        found = results.take(call.tool, digest(dict(look.of.arguments)))
    return None if found is None else Reused(found.place, await _result(worker, call, found))


async def _result(worker: Worker, call: Call, found: RecordedResult) -> commands.tools.Result:
    """What is on record, its bodies by their hashes. One that was cut is cut again: its notice names the call."""
    event = found.event
    content, full = event.content, None
    if event.full is not None:
        cut = await result_of(worker, call, await output_of(event, worker.env.bodies), 0)
        content, full = cut.content, cut.full
    return commands.tools.Result(content, event.is_error, event.details, full, 0, event.redactions)
