"""Group commit: appends that arrive while one transaction is under way share the next one.

There is one line, and one transaction at a time takes what waits in it; nothing lingers, so a lone append goes at
once. Appends stand or fall alone: the outcome of each is its positions or its own error. Appends to the same stream
never share a transaction, and keep their order.

Where the backend can send a transaction without waiting, the event loop of whoever waits attends to it itself: a thread
would cost as much of the processor again, for two switches and for the interpreter's lock, handed to and fro. The
writing thread does what has to wait. It connects, settles what went wrong, and writes where only a thread can.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread

from turnlog.domain import StoreClosed

from .attending import Attendance, Loop, running_loop
from .batches import Append, Begin, Commit, Flight, Outcome, next_batch

LOOK = 0.1
"""How often, in seconds, whoever depends on another event loop looks whether it is still running."""


@dataclass(slots=True)
class _Waiting:
    """An append in the line, and the task that waits for it; `settled` is the loop's, `outcome` set there as well."""

    append: Append
    loop: Loop
    settled: asyncio.Future[None]
    outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if not self.settled.done():  # it is when its task was just cancelled
            self.settled.set_result(None)


@dataclass(slots=True, eq=False)
class _Turn:
    """Whose turn it is to write, an event loop's or the thread's (None), and what is under way."""

    loop: Loop | None
    batch: Sequence[_Waiting] = ()
    flight: Flight | None = None
    attendance: Attendance | None = None

    def is_deserted(self) -> bool:
        """Whether its event loop does not run, or cannot because it waits for us."""
        return self.loop is not None and (not self.loop.is_running() or self.loop is running_loop())


class GroupCommit:
    """The line before one log, and its writing thread. Safe to use from any event loop."""

    def __init__(self, name: str, commit: Commit, begin: Begin | None = None) -> None:
        """`begin` prepares a transaction that an event loop can attend to; without it the thread does it all."""
        self._commit = commit
        self._begin = begin
        self._lock = Lock()
        self._at_rest = Condition(self._lock)
        self._line: deque[_Waiting] = deque()
        self._turn: _Turn | None = None
        self._left: list[Attendance] = []
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
        waiting = _Waiting(append, loop, loop.create_future())
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

    def _is_at_rest(self) -> bool:
        """Whether nothing is under way; waits a moment for it."""
        with self._lock:
            return self._turn is None or self._at_rest.wait(LOOK)

    def _enter(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._closed:
                raise StoreClosed("the store was closed; open it again")
            self._line.append(waiting)
            if self._turn is None:
                self._give_turn(waiting.loop)
            elif self._turn.loop is not waiting.loop:
                self._watch()

    def _give_turn(self, loop: Loop) -> None:
        """Have the line written, by this event loop where it can; what is about to arrive there comes along."""
        self._turn = turn = _Turn(loop if self._begin else None)
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

    def _fly(self, turn: _Turn) -> None:
        """Send what waits in the line."""
        if self._left:
            self._stop_attending()
        with self._lock:
            if self._turn is not turn or turn.loop is None or self._begin is None:
                return  # it was taken from this loop, which seemed to have stopped
            turn.batch = next_batch(self._line)
            try:
                turn.flight = self._begin([waiting.append for waiting in turn.batch])
                if turn.flight is not None:
                    ready, late = partial(self._ready, turn), partial(self._give_up, turn)
                    turn.attendance = Attendance(turn.loop, turn.flight, ready, late)
                    return
            except Exception:  # noqa: BLE001 - the thread meets it again, or finds out what became of it
                turn.attendance = None
        self._give_up(turn)

    def _ready(self, turn: _Turn) -> None:
        """Something can be sent, or has come."""
        with self._lock:
            if turn.flight is None or turn.attendance is None:
                return
            was_taken, over = self._turn is not turn, False
            if not was_taken:
                try:
                    over = turn.flight.advance()
                except Exception:  # noqa: BLE001 - the thread finds out
                    over = True
        if was_taken:
            self._stop_attending()
        elif not over:
            turn.attendance.go_on()
        elif turn.flight.outcomes is None:
            self._give_up(turn)
        else:
            turn.attendance.end()
            _deliver(turn.batch, turn.flight.outcomes)
            self._pass_on()

    def _give_up(self, turn: _Turn) -> None:
        """Leave it to the thread: it takes waiting."""
        with self._lock:
            was_taken = self._turn is not turn or turn.loop is None
            if not was_taken:
                turn.loop = None
        if was_taken:
            self._stop_attending()
            return
        if turn.attendance is not None:
            turn.attendance.end()
        self._jobs.put(partial(self._write, turn))

    def _stop_attending(self) -> None:
        """Watch no socket any more of a turn that was taken from this loop: its number may be another's by now."""
        here = running_loop()
        with self._lock:
            ours = [each for each in self._left if each.loop is here]
            self._left = [each for each in self._left if each.loop is not here and not each.loop.is_closed()]
        for each in ours:
            each.end()

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

    def _write(self, turn: _Turn) -> None:
        """Write what waits in the line, or what an event loop did not bring to an end."""
        with self._lock:
            batch = turn.batch or next_batch(self._line)
        try:
            if turn.flight is None:
                outcomes = self._commit([waiting.append for waiting in batch])
            else:
                outcomes = turn.flight.conclude()
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            outcomes = [error] * len(batch)
        _deliver(batch, outcomes)
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
            self._turn = turn = _Turn(None, deserted.batch, deserted.flight)
            if deserted.attendance is not None:
                self._left.append(deserted.attendance)
        self._write(turn)


def _deliver(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody, with one wake-up for each other event loop."""
    here = running_loop()
    elsewhere: defaultdict[Loop, list[tuple[_Waiting, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.loop is here:
            waiting.settle(outcome)
        else:
            elsewhere[waiting.loop].append((waiting, outcome))
    for loop, settled in elsewhere.items():
        with suppress(RuntimeError):  # the loop was closed, so nobody there waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[_Waiting, Outcome]]) -> None:
    for waiting, outcome in settled:
        waiting.settle(outcome)
