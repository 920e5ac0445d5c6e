"""Stopping the server of another keeper, and starting it again on the same data and port."""

import os
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import psycopg

from ..postgres_server import Account, PostgresServer

PATIENCE = 20.0


class Restarts:
    """Finds the server's program in /proc, so Linux alone. `close` ends what it started."""

    def __init__(self, server: PostgresServer) -> None:
        self._url = server.url
        self._directory = Path(server.directory)
        self._pid = server.pid
        self._port = server.url.rpartition(":")[2].partition("/")[0]
        self._program = Path(f"/proc/{server.pid}/exe").resolve()
        self._started: subprocess.Popen[bytes] | None = None

    def restart(self, how: signal.Signals, down: float) -> None:
        """Stop it, and start it after so many seconds."""
        self.stop(how)
        sleep(down)
        self.start()

    def stop(self, how: signal.Signals) -> None:
        """Return once it is gone."""
        os.kill(self._pid, how)
        self.wait_until_gone()

    def wait_until_gone(self) -> None:
        """Return once it has ended, by itself or because it was told to."""
        until = monotonic() + PATIENCE
        while self.is_alive():
            assert monotonic() < until, "the server does not end"
            sleep(0.02)

    def start(self) -> None:
        """Start it; it may not take connections yet."""
        (self._directory / "data" / "postmaster.pid").unlink(missing_ok=True)
        command = [str(self._program), "-D", str(self._directory / "data"), "-p", self._port]
        self._started = Account.allowed().popen(command, self._directory, self._directory / "server.log")
        self._pid = self._started.pid

    def wait_until_it_answers(self) -> None:
        """Return once it takes connections."""
        until = monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self._url, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert monotonic() < until, "the server does not answer"
                sleep(0.05)
            else:
                return

    def is_alive(self) -> bool:
        """Whether its first process runs."""
        if self._started is not None:
            return self._started.poll() is None
        try:
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def close(self) -> None:
        """End it, if it was started here."""
        if self._started is not None:
            self._started.send_signal(signal.SIGQUIT)
            self._started.wait(PATIENCE)
