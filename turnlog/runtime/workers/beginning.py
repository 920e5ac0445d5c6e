"""Beginning a turn in a session that a worker takes."""

from turnlog.domain import commands

from ..memory.facts import recalling
from ..worker import Worker
from .taking import holder_of, taken


async def begin_turn(worker: Worker, asked: commands.turns.Asked) -> None:
    """Take the session and say something in it; nothing is appended yet.

    Raises InvalidInput, CommandRefused, SessionBusy, StoreError.
    """
    env = worker.env
    turn_id, user = env.ids.new("turn"), env.stamp()
    holder = await holder_of(env, worker.session)
    worker.decide(lambda session: taken(worker, session, holder))
    recall = await recalling(env, worker.session)
    worker.decide(lambda session: (*recall(session), *commands.turns.start(session, user, turn_id, asked)))
