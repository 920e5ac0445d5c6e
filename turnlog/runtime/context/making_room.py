"""When a conversation is made shorter: before a request that would nearly fill the window, or after one too long."""

from turnlog.domain import ModelError

from ..turns.asking import record_failure
from ..worker import Worker
from .compacting import Wish, compact
from .window import elide, is_full


async def make_room(worker: Worker) -> None:
    """Elide results, and compact, where the next request would nearly fill the window; once a turn where that fails.

    Raises as `compact`.
    """
    if not is_full(worker):
        return
    if elide(worker) and not is_full(worker):
        return
    turn = worker.session.turn
    if turn is None or worker.session.context.failed_in != turn.turn_id:
        await compact(worker, Wish("threshold"))


async def rescue(worker: Worker, error: ModelError) -> bool:
    """Whether a request that a provider refused as too long has become shorter, once a round. Raises as `compact`."""
    turn = worker.session.turn
    if error.failure != "context_window" or turn is None or turn.rescued == turn.round:
        return False
    record_failure(worker, error, 0.0)
    elided = elide(worker)
    return await compact(worker, Wish("overflow")) or elided
