"""A confined program reaches nobody outside: no network, no sockets, no processes."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnlog.infrastructure import sandbox

from .confining import Confined, answers, need, sleeping

CONNECT = """
import socket, sys
family, kind, address = sys.argv[1:]
where = {"AF_INET": ("127.0.0.1", address), "AF_UNIX": address.replace("@", "\\0")}[family]
if family == "AF_INET":
    where = ("127.0.0.1", int(address))
made = socket.socket(getattr(socket, family), getattr(socket, kind))
made.sendto(b"sent", where) if kind == "SOCK_DGRAM" else made.connect(where)
print("reached")
"""
TARGETS = {
    "TCP": ("AF_INET", "SOCK_STREAM"),
    "UDP": ("AF_INET", "SOCK_DGRAM"),
    "a stream by path": ("AF_UNIX", "SOCK_STREAM"),
    "datagrams by path": ("AF_UNIX", "SOCK_DGRAM"),
    "an abstract stream": ("AF_UNIX", "SOCK_STREAM"),
}


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, outside: Path) -> Iterator[tuple[str, str, str]]:
    """A socket that somebody outside listens at: its family, its kind and where it is."""
    family, kind = TARGETS[request.param]
    with socket.socket(getattr(socket, family), getattr(socket, kind)) as listening:
        where = "@" + secrets.token_hex(8) if "abstract" in request.param else os.path.relpath(outside / "socket")
        listening.bind(("127.0.0.1", 0) if family == "AF_INET" else where.replace("@", "\0"))
        if kind == "SOCK_STREAM":
            listening.listen()
        by_path = where if where.startswith("@") else str(outside / "socket")
        yield family, kind, str(listening.getsockname()[1]) if family == "AF_INET" else by_path


def test_a_socket_outside_is_not_reached(confined: Confined, target: tuple[str, str, str], outside: Path) -> None:
    ended = confined.python(CONNECT, *target, readable=("/", str(outside)))
    assert "reached" not in ended.stdout
    assert "PermissionError" in ended.stderr


def test_it_is_reached_without_confinement(workspace: Path, target: tuple[str, str, str]) -> None:
    assert Confined("none", workspace).python(CONNECT, *target).stdout == "reached\n"


FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW"])
def test_no_socket_of_any_kind_can_be_made(confined: Confined, family: str, kind: str) -> None:
    ended = confined.python(f"import socket; socket.socket(socket.{family}, socket.{kind})")
    assert "Operation not permitted" in ended.stderr


def test_a_pair_of_sockets_can_be_made(confined: Confined) -> None:
    script = "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))"
    assert confined.python(script).stdout == "b'x'\n"


def test_an_allowed_network_is_there(confined: Confined) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ended = confined.python(CONNECT, "AF_INET", "SOCK_STREAM", listening.getsockname()[1], network="all")
    assert (ended.stdout, ended.stderr) == ("reached\n", "")


@pytest.mark.parametrize("family", ["AF_INET", "AF_PACKET"])
def test_an_allowed_network_has_no_raw_sockets(confined: Confined, family: str) -> None:
    ended = confined.python(f"import socket; socket.socket(socket.{family}, socket.SOCK_RAW, 1)", network="all")
    assert "Error" in ended.stderr


def test_a_process_outside_cannot_be_signalled(confined: Confined) -> None:
    if "signals" not in sandbox.available_levels()[confined.level].held:
        pytest.skip(f"{confined.level} does not hold signals on this kernel")
    with sleeping() as process:
        confined.sh('kill -KILL "$1" "-$1" "$2"', process.pid, os.getpid())
        assert answers(process)


def test_the_memory_and_environment_of_a_process_outside_cannot_be_read(confined: Confined) -> None:
    with sleeping({"SECRET": "canary"}) as process:
        ended = confined.sh(
            'cat "/proc/$1/environ" "/proc/$1/mem" "/proc/$1/maps"; readlink "/proc/$1/fd/0" "/proc/$1/cwd"',
            process.pid,
        )
        assert ended.stdout == ""


def test_bubblewrap_shows_no_process_outside(bubblewrapped: Confined) -> None:
    ended = bubblewrapped.sh("echo /proc/[0-9]*")
    assert len(ended.stdout.split()) <= 3


@pytest.mark.parametrize("call", ["ptrace", "io_uring_setup", "userfaultfd", "bpf", "keyctl", "unshare"])
def test_a_dangerous_system_call_is_refused(confined: Confined, call: str) -> None:
    numbers = {"ptrace": 101, "io_uring_setup": 425, "userfaultfd": 323, "bpf": 321, "keyctl": 250, "unshare": 272}
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers in this test are those of x86-64")
    script = "import ctypes, sys; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(int(sys.argv[1]), 0, 0, 0, 0))"
    ended = confined.python(script + "; print(ctypes.get_errno())", numbers[call])
    assert ended.stdout.split() == ["-1", "1"]


def test_landlock_is_not_undone_by_another_ruleset(landlocked: Confined, outside: Path) -> None:
    need("landlock")
    inner = sandbox.launch(
        "landlock",
        sandbox.Confinement(readable=("/",), writable=(str(outside),)),
        sandbox.Start("/bin/sh", ["sh", "-c", 'echo written > "$1/secret"', "sh", str(outside)], {}, "/"),
    ).start
    readable = ("/",)
    script = "import os, sys; os.execve(sys.argv[1], sys.argv[2:], dict(os.environ))"
    landlocked.python(script, inner.program, *inner.argv, readable=readable)
    assert (outside / "secret").read_text() == "secret\n"
