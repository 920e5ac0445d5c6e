"""Hearing of appends: one connection a process and log that listens, and tells others of our own.

What is told carries nothing and promises nothing: it may come late, twice, or not at all while the server is away.
Readers look again at least once a second in any case.
"""

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Lock, Thread
from time import monotonic

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from . import postgres_schema
from .address import PostgresAddress
from .postgres_connection import BoundedConnection

APART = 0.01
"""Seconds between two notifications at least. Each takes a lock of the whole server for its commit."""

SHORTEST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
CLOSING = 1.0
"""Seconds that closing waits for the thread, which may be connecting to a server that does not answer."""

Ring = Callable[[], None]


class Watch:
    """Rings when anybody appended. Starts with the first listener or append; its connection's troubles are its own."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._channel = Identifier(f"{address.schema}.events")
        self._rings: tuple[Ring, ...] = ()
        self._lock = Lock()
        self._untold = Event()
        self._stopped = Event()
        self._thread: Thread | None = None
        self._waker: socket.socket | None = None

    def add(self, ring: Ring) -> None:
        """Call `ring` soon after every append from now on."""
        with self._lock:
            self._rings = (*self._rings, ring)
        self._start()

    def remove(self, ring: Ring) -> None:
        """Call it no more."""
        with self._lock:
            self._rings = tuple(other for other in self._rings if other != ring)

    def committed(self) -> None:
        """This process appended something: ring here at once, and tell the others soon."""
        self._ring()
        if not self._untold.is_set():
            self._untold.set()
            self._start()
            self._wake()

    def close(self) -> None:
        """Tell what is untold and end the thread; a second call does nothing."""
        with self._lock:
            if self._stopped.is_set():
                return
            self._stopped.set()
        self._wake()
        if self._thread is not None:
            self._thread.join(CLOSING)
        if self._waker is not None:
            self._waker.close()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._waker, woken = socket.socketpair()
                self._waker.setblocking(False)
                woken.setblocking(False)
                self._thread = Thread(target=self._run, args=(woken,), name="turnlog-watch", daemon=True)
                self._thread.start()

    def _ring(self) -> None:
        for ring in self._rings:
            ring()

    def _wake(self) -> None:
        with suppress(OSError):  # full, so it is going to wake; or closed
            if self._waker is not None:
                self._waker.send(b"x")

    def _run(self, woken: socket.socket) -> None:
        pause = SHORTEST_PAUSE
        with woken:
            while not self._stopped.is_set():
                began = monotonic()
                with suppress(psycopg.Error, OSError), self._listening() as connection:
                    self._ring()  # for what was appended while nobody listened
                    self._attend(connection, woken)
                pause = SHORTEST_PAUSE if monotonic() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
                self._stopped.wait(pause)

    @contextmanager
    def _listening(self) -> Generator[BoundedConnection[TupleRow]]:
        settings = postgres_schema.parameters(self._address)
        connection = BoundedConnection[TupleRow].connect(**settings, autocommit=True)
        try:
            connection.execute(SQL("LISTEN {}").format(self._channel))
            yield connection
        finally:
            connection.close()

    def _attend(self, connection: BoundedConnection[TupleRow], woken: socket.socket) -> None:
        own = connection.info.backend_pid
        heard = Event()
        connection.add_notify_handler(lambda told: heard.set() if told.pid != own else None)
        told_at = 0.0
        while True:
            self._wait_for_news(connection, woken, heard)
            if heard.is_set():
                heard.clear()
                self._ring()
            if self._untold.is_set():
                self._stopped.wait(max(0.0, told_at + APART - monotonic()))
                self._tell(connection)
                told_at = monotonic()
            elif self._stopped.is_set():
                return

    def _tell(self, connection: BoundedConnection[TupleRow]) -> None:
        """Tell the others; what could not be told is told over the next connection."""
        notify: Composed = SQL("NOTIFY {}").format(self._channel)
        self._untold.clear()
        try:
            connection.execute(notify)
        except BaseException:
            self._untold.set()
            raise

    def _wait_for_news(self, connection: BoundedConnection[TupleRow], woken: socket.socket, heard: Event) -> None:
        """Until the server says something, or something is untold, or it is time to stop."""
        pgconn = connection.pgconn
        if not (heard.is_set() or self._untold.is_set() or self._stopped.is_set()):
            with DefaultSelector() as selector:
                selector.register(pgconn.socket, EVENT_READ)
                selector.register(woken, EVENT_READ)
                ready = {key.fd for key, _ in selector.select()}
            if pgconn.socket in ready:
                pgconn.consume_input()
        while notification := pgconn.notifies():
            if notification.be_pid != connection.info.backend_pid:
                heard.set()
        with suppress(BlockingIOError):
            woken.recv(1024)
