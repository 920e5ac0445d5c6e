"""The filter, run as the kernel would run it: what it refuses, on machines that are not at hand too."""

import struct
from itertools import product

import pytest

from turnlog.domain import InvalidInput
from turnlog.infrastructure import sandbox

ARCHITECTURES = sandbox.ARCHITECTURES
Network = sandbox.Network
seccomp_filter = sandbox.seccomp_filter

MACHINES = ("x86_64", "aarch64")
ALLOWED, KILLED = 0x7FFF_0000, 0x8000_0000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
X32 = 0x4000_0000
READ = {"x86_64": 0, "aarch64": 63}
UNIX, INET, INET6, NETLINK, PACKET = 1, 2, 10, 16, 17
STREAM, DATAGRAM, RAW = 1, 2, 3
CLOEXEC = 0o2000000
CREATE, TEMPORARY = 0o100, 0o20000000


def run(machine: str, name: str | int, *arguments: int, network: Network = "none", audit: int | None = None) -> int:
    """What the kernel does about a system call: an errno, ALLOWED or KILLED."""
    architecture = ARCHITECTURES[machine]
    number = name if isinstance(name, int) else architecture.numbers[name]
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture.audit if audit is None else audit, 0, *words)
    verdict = interpret(seccomp_filter(network, machine), data)
    return verdict & 0xFFFF if verdict & 0xFFFF_0000 == 0x0005_0000 else verdict


def interpret(program: bytes, data: bytes) -> int:
    """Classic BPF, as much of it as there is in the filter."""
    instructions = list(struct.iter_unpack("<HBBI", program))
    accumulator, at = 0, 0
    while True:
        code, yes, no, constant = instructions[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += yes if accumulator == constant else no
            case 0x35:
                at += yes if accumulator >= constant else no
            case 0x45:
                at += yes if accumulator & constant else no
            case 0x06:
                return int(constant)
            case _:
                raise AssertionError(f"the kernel would refuse code {code:#x}")


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    """Each machine the filter is for."""
    name: str = request.param
    return name


@pytest.mark.parametrize("network", ["none", "all"])
def test_ordinary_calls_are_allowed(machine: str, network: Network) -> None:
    numbers = set(range(1024)) - set(ARCHITECTURES[machine].numbers.values())
    assert {run(machine, number, network=network) for number in numbers} == {ALLOWED}


def test_another_architecture_ends_the_process(machine: str) -> None:
    i386, arm = 0x4000_0003, 0x4000_0028
    assert {run(machine, READ[machine], audit=other) for other in (i386, arm, 0)} == {KILLED}


def test_the_x32_numbers_are_refused() -> None:
    assert {run("x86_64", X32 + number) for number in (0, 41, 257)} == {EPERM}


def test_without_a_network_no_socket_is_made(machine: str) -> None:
    families = (UNIX, INET, INET6, NETLINK, PACKET, 38, 40)
    assert {run(machine, "socket", *each) for each in product(families, (STREAM, DATAGRAM, RAW), (0, 1))} == {EPERM}


@pytest.mark.parametrize("family", [UNIX, INET, INET6])
@pytest.mark.parametrize("kind", [STREAM, DATAGRAM, STREAM | CLOEXEC])
def test_with_a_network_usual_sockets_are_made(machine: str, family: int, kind: int) -> None:
    assert run(machine, "socket", family, kind, 0, network="all") == ALLOWED


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((INET, RAW, 1), EPERM),
        ((INET, RAW | CLOEXEC, 1), EPERM),
        ((INET6, RAW, 58), EPERM),
        ((PACKET, RAW, 3), EAFNOSUPPORT),
        ((NETLINK, RAW, 12), EAFNOSUPPORT),
        ((38, STREAM, 0), EAFNOSUPPORT),
        ((40, STREAM, 0), EAFNOSUPPORT),
    ],
)
def test_with_a_network_other_sockets_are_not(machine: str, arguments: tuple[int, ...], error: int) -> None:
    assert run(machine, "socket", *arguments, network="all") == error


def test_with_a_network_routes_can_be_looked_at(machine: str) -> None:
    assert run(machine, "socket", NETLINK, RAW | CLOEXEC, 0, network="all") == ALLOWED


def test_the_upper_half_of_an_argument_hides_nothing(machine: str) -> None:
    assert run(machine, "socket", 1 << 32 | INET, RAW, 1, network="all") == EPERM


@pytest.mark.parametrize("flag", [0x0002_0000, *(1 << bit for bit in range(25, 31))])
def test_no_namespace_is_made(machine: str, flag: int) -> None:
    assert run(machine, "clone", flag | 17) == EPERM


@pytest.mark.parametrize("flags", [17, 0x003D_0F00, 0x0100_4011])
def test_processes_and_threads_are_made(machine: str, flags: int) -> None:
    assert run(machine, "clone", flags) == ALLOWED


@pytest.mark.parametrize("name", ["clone3", "openat2"])
def test_calls_with_hidden_arguments_seem_to_be_missing(machine: str, name: str) -> None:
    assert run(machine, name) == ENOSYS


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6000])
@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("fchmod", (3,)),
        ("fchmodat", (3, 0)),
        ("fchmodat2", (3, 0)),
        ("mknodat", (3, 0)),
        ("openat", (3, 0, CREATE)),
        ("openat", (3, 0, TEMPORARY)),
    ],
)
def test_no_set_id_bit_is_set(machine: str, name: str, before: tuple[int, ...], mode: int) -> None:
    assert run(machine, name, *before, mode) == EPERM


@pytest.mark.parametrize(("name", "before"), [("chmod", (0,)), ("creat", (0,)), ("mknod", (0,)), ("open", (0, CREATE))])
def test_no_set_id_bit_is_set_by_an_older_call(name: str, before: tuple[int, ...]) -> None:
    assert run("x86_64", name, *before, 0o4755) == EPERM
    assert run("x86_64", name, *before, 0o755) == ALLOWED


def test_a_file_is_opened_whatever_is_where_its_mode_would_be(machine: str) -> None:
    assert run(machine, "openat", 3, 0, 0, 0o7777) == ALLOWED


@pytest.mark.parametrize("request_number", [0x5412, 0x541C])
def test_nothing_is_typed_into_a_terminal(machine: str, request_number: int) -> None:
    assert run(machine, "ioctl", 0, request_number) == EPERM
    assert run(machine, "ioctl", 0, 0x5413) == ALLOWED


@pytest.mark.parametrize(
    "name", ["ptrace", "mount", "unshare", "setns", "io_uring_setup", "userfaultfd", "keyctl", "bpf", "init_module"]
)
def test_calls_no_tool_needs_are_refused(machine: str, name: str) -> None:
    assert run(machine, name) == EPERM


def test_a_machine_without_a_filter_is_refused() -> None:
    with pytest.raises(InvalidInput, match="riscv64"):
        seccomp_filter("none", "riscv64")
