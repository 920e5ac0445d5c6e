"""The table of sessions with a turn that is not over: the same as `RUNNABLE` holds in memory."""

from pydantic import TypeAdapter

from turnlog.domain import Lease, Session, Turn

from ..runnable import Unfinished, take_in
from .table import Batch, Row, Table, TableFold

RUNNABLE_ROWS = Table(
    "runnable_sessions",
    {
        "session_id": "text",
        "version": "integer",
        "turn_id": "text",
        "standing": "text",
        "since": "time",
        "worker": "text",
        "epoch": "integer",
        "expires_at": "time",
        "turn": "json",
    },
    key=("session_id",),
    indexes=(("standing", "since"),),
    hidden=frozenset({"turn"}),
)
_TURN = TypeAdapter(Turn)


def unfinished_of(row: Row) -> Unfinished:
    """A session from its row."""
    worker, epoch = row["worker"], row["epoch"]
    session = Session(
        row["session_id"],
        row["version"],
        turn=None if row["turn"] is None else _TURN.validate_python(row["turn"]),
        lease=None if worker is None else Lease(epoch, worker),
        epoch=epoch,
    )
    return Unfinished(session, row["since"])


def _row_of(found: Unfinished) -> Row:
    session = found.session
    turn = session.turn
    return {
        "session_id": session.id,
        "version": session.version,
        "turn_id": None if turn is None else turn.turn_id,
        "standing": found.standing,
        "since": found.since,
        "worker": found.worker,
        "epoch": session.epoch,
        "expires_at": found.expires_at,
        "turn": None if turn is None else _TURN.dump_python(turn, mode="json"),
    }


def _apply(batch: Batch) -> None:
    rows, name = batch.rows, RUNNABLE_ROWS.name
    rows.want(name, ((recorded.stream,) for recorded in batch.events))
    stored: dict[str, Unfinished | None] = {}
    for stream in dict.fromkeys(recorded.stream for recorded in batch.events):
        row = rows.get(name, stream)
        stored[stream] = None if row is None else unfinished_of(row)
    now = dict(stored)
    for recorded in batch.events:
        now[recorded.stream] = take_in(now[recorded.stream], recorded)
    for stream, found in now.items():
        if found is not None and found != stored[stream]:
            rows.put(name, _row_of(found))
        elif found is None and stored[stream] is not None:
            rows.delete(name, stream)


RUNNABLE_TABLE = TableFold("runnable_sessions", 1, (RUNNABLE_ROWS,), _apply)
