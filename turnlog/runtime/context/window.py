"""Keeping a conversation within its model's window: results are elided first, and then it is compacted."""

from functools import partial

from turnlog.domain import READ_TOOL_RESULT, KnowsWindow, commands, text_size
from turnlog.projections import BYTES_PER_TOKEN, elidable, length_of, saved_by

from ..digests import tools_text
from ..turns.ending import decide
from ..turns.prompts import offered
from ..worker import Worker


def window_of(worker: Worker) -> int | None:
    """Tokens a conversation may have: the model's, no more than the settings say; None where nobody knows."""
    known = worker.model.context_window if isinstance(worker.model, KnowsWindow) else None
    allowed = worker.env.settings.context_tokens
    return min((each for each in (known, allowed) if each is not None), default=None)


def length(worker: Worker) -> int:
    """Tokens the next request would have, as far as that can be told before it is sent."""
    found = length_of(worker.transcript)
    if found.measured:
        return found.tokens
    tools = len(tools_text(offered(worker.session, worker.tools)))
    system = 0 if worker.session.system is None else text_size(worker.session.system)
    return found.tokens + (tools + system) // BYTES_PER_TOKEN


def is_full(worker: Worker) -> bool:
    """Whether the window is nearly full."""
    window = window_of(worker)
    return window is not None and length(worker) >= window * worker.env.settings.compact_at


def elide(worker: Worker) -> bool:
    """Decide to leave old results out of what the model sees, where that is worth it; whether it was."""
    if READ_TOOL_RESULT not in worker.tools:
        return False
    found = elidable(worker.transcript, worker.env.settings.keep_recent)
    window = window_of(worker) or length(worker)
    if not found or saved_by(worker.transcript, found) < window * worker.env.settings.elision_worth:
        return False
    decide(worker, partial(commands.context.elide, call_ids=found))
    return True
