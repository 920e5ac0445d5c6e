"""Group commit: appends that arrive while transactions are under way share the next one.

There is one line, and one turn at a time to write what waits in it. Nothing lingers, so a lone append goes at once.
Appends stand or fall alone: the outcome of each is its positions or its own error. Appends to the same stream are never
under way together, and keep their order.

Where the backend has a pipeline, the event loop of whoever waits attends to it itself: a thread would cost as much of
the processor again, for two switches and for the interpreter's lock, handed to and fro. Where many wait, they go as two
transactions, one behind the other, so that the server works while we do. Few go as one: what every transaction costs,
whatever is in it, is more than what both could do at the same time.

The writing thread does what has to wait. It connects, settles what went wrong, and writes where only a thread can.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread

from turnlog.domain import StoreClosed

from .attending import Attendance, Loop, running_loop
from .batches import BATCH, Append, Begin, Commit, Outcome, next_batch
from .turns import Sent, Turn
from .waiting import Waiting, deliver

LOOK = 0.1
"""How often, in seconds, whoever depends on another event loop looks whether it is still running."""


class GroupCommit:
    """The line before one log, and its writing thread. Safe to use from any event loop."""

    def __init__(self, name: str, commit: Commit, begin: Begin | None = None) -> None:
        """`begin` takes a pipeline that an event loop can attend to; without it the thread does it all."""
        self._commit = commit
        self._begin = begin
        self._lock = Lock()
        self._at_rest = Condition(self._lock)
        self._line: deque[Waiting] = deque()
        self._turn: Turn | None = None
        self._attendance: Attendance | None = None
        self._closed = False
        self._watches = False
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def append(self, append: Append) -> Sequence[int]:
        """Append; the positions. A cancelled caller is let go only once it is done or refused.

        Raises what the commit gives as its outcome, StoreClosed.
        """
        loop = asyncio.get_running_loop()
        waiting = Waiting(append, loop, loop.create_future())
        self._enter(waiting)
        cancellation: asyncio.CancelledError | None = None
        while waiting.outcome is None:
            try:
                await waiting.settled
            except asyncio.CancelledError as error:
                cancellation = error
                waiting.settled = loop.create_future()
        if cancellation is not None:
            raise cancellation
        if isinstance(waiting.outcome, Exception):
            raise waiting.outcome
        return waiting.outcome

    def close(self) -> None:
        """Write what waits and end the thread; a second call does nothing."""
        with self._lock:
            closed, self._closed = self._closed, True
        while not self._is_at_rest():
            self._rescue()
        if not closed:
            self._jobs.put(None)
        self._thread.join()
        self._leave()

    def _is_at_rest(self) -> bool:
        """Whether nothing is under way; waits a moment for it."""
        with self._lock:
            return self._turn is None or self._at_rest.wait(LOOK)

    def _enter(self, waiting: Waiting) -> None:
        with self._lock:
            if self._closed:
                raise StoreClosed("the store was closed; open it again")
            self._line.append(waiting)
            turn = self._turn
            if turn is None:
                self._give_turn(waiting.loop)
            elif turn.loop is not waiting.loop:
                self._watch()
            else:
                self._call(turn, waiting.loop)

    def _call(self, turn: Turn, loop: Loop) -> None:
        """Have the loop whose turn it is look at the line, if there is enough in it; in that loop."""
        if not turn.is_called and turn.share(len(self._line)):
            turn.is_called = True
            loop.call_soon(self._fly, turn)

    def _give_turn(self, loop: Loop) -> None:
        """Have the line written, by this event loop where it can; what is about to arrive there comes along."""
        self._turn = turn = Turn(loop if self._begin else None)
        if turn.loop is None:
            self._jobs.put(partial(self._write, turn))
        elif loop is running_loop():
            loop.call_soon(self._fly, turn)
        else:
            with suppress(RuntimeError):  # it was closed
                loop.call_soon_threadsafe(self._fly, turn)
            self._watch()

    def _pass_on(self) -> None:
        """The turn is over: it is that of whoever is next in the line."""
        with self._lock:
            self._turn = None
            if self._line:
                self._give_turn(self._line[0].loop)
            else:
                self._watches = False
                if self._closed:
                    self._at_rest.notify_all()

    # In the event loop whose turn it is.

    def _fly(self, turn: Turn) -> None:
        """Send what waits in the line."""
        with self._lock:
            if self._turn is not turn or turn.loop is None:
                return  # it was taken from this loop, which seemed to have stopped
            turn.is_called = False
            if turn.pipeline is None:
                self._attend(turn, turn.loop)
            self._send(turn)
        self._go_on(turn)

    def _attend(self, turn: Turn, loop: Loop) -> None:
        """Take the pipeline, if there is one and this loop can watch a socket."""
        pipeline = self._begin() if self._begin else None
        if pipeline is None:
            return
        attendance = self._attendance
        if attendance is None or not attendance.serves(loop, pipeline):
            self._leave()
            try:
                attendance = Attendance(loop, pipeline, self._ready, self._late)
            except (NotImplementedError, OSError):
                pipeline.release()
                return
        turn.pipeline = pipeline
        turn.attendance = self._attendance = attendance

    def _leave(self) -> None:
        """Attend no more."""
        attendance, self._attendance = self._attendance, None
        if attendance is None:
            return
        if attendance.loop is running_loop():
            attendance.end()
        else:
            attendance.end_from_elsewhere()

    def _send(self, turn: Turn) -> None:
        while turn.pipeline is not None and not (turn.under_way and turn.pipeline.wanted):
            busy = {stream for sent in turn.under_way for each in sent.batch for stream in each.append.streams()}
            batch = next_batch(self._line, min(BATCH, turn.share(len(self._line))), busy)
            if not batch:
                return
            turn.under_way.append(Sent(batch, turn.pipeline.send([waiting.append for waiting in batch])))
            turn.landed()  # what could not be sent

    def _ready(self, attendance: Attendance) -> None:
        """Something can be sent, or has come."""
        with self._lock:
            turn = self._turn_of(attendance)
            if turn is None:  # others use the connection now, or the server ended it
                attendance.end()
                return
            attendance.pipeline.advance()
            landed = turn.landed()
        for sent in landed:
            deliver(sent.batch, sent.flight.outcomes or ())
        if turn.under_way:
            with self._lock:
                self._call(turn, attendance.loop)
        self._go_on(turn)

    def _late(self, attendance: Attendance) -> None:
        """What is under way should have been answered by now."""
        with self._lock:
            turn = self._turn_of(attendance)
        if turn is not None:
            self._give_up(turn)

    def _turn_of(self, attendance: Attendance) -> Turn | None:
        """The turn, if it is that of the loop which attends."""
        turn = self._turn
        return turn if turn is not None and turn.attendance is attendance and turn.loop is not None else None

    def _go_on(self, turn: Turn) -> None:
        """Wait for what is under way, or end the turn."""
        if turn.pipeline is None or turn.attendance is None or (turn.undecided and not turn.under_way):
            self._give_up(turn)
            return
        turn.attendance.go_on()
        if not turn.under_way:
            turn.pipeline.release()
            self._pass_on()

    def _give_up(self, turn: Turn) -> None:
        """Leave it to the thread: it takes waiting."""
        with self._lock:
            if self._turn is not turn or turn.loop is None:
                return
            turn.loop = None
            self._leave()
        self._jobs.put(partial(self._write, turn))

    # In the writing thread.

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=LOOK if self._watches else None)
            except Empty:
                job = self._rescue
            if job is None:
                return
            job()

    def _write(self, turn: Turn) -> None:
        """Bring to an end what an event loop did not, or write what waits in the line."""
        for sent in (*turn.undecided, *turn.under_way):
            _settle(sent.batch, sent.flight.conclude)
        if turn.pipeline is not None:
            turn.pipeline.release()
        else:
            with self._lock:
                batch = next_batch(self._line)
            _settle(batch, partial(self._commit, [waiting.append for waiting in batch]))
        self._pass_on()

    def _watch(self) -> None:
        """Somebody depends on an event loop that is not his, and that may stop in the middle."""
        if not self._watches:
            self._watches = True
            self._jobs.put(self._rescue)

    def _rescue(self) -> None:
        """Take the turn from an event loop that stopped."""
        with self._lock:
            if self._turn is None or not self._turn.is_deserted():
                return
            deserted = self._turn
            self._turn = turn = Turn(None, deserted.pipeline, deserted.under_way, deserted.undecided)
            self._leave()
        self._write(turn)


def _settle(batch: Sequence[Waiting], write: Callable[[], Sequence[Outcome]]) -> None:
    """Have a batch written, and tell whoever waits for it."""
    try:
        outcomes = write()
    except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
        outcomes = [error] * len(batch)
    deliver(batch, outcomes)
