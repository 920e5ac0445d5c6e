"""A seccomp filter: system calls that are refused whatever their target, as classic BPF. Applied by `launcher.py`.

With no network no socket can be made at all, which covers what Landlock does not: UDP, and Unix sockets by path. Pairs
of connected sockets remain. io_uring is refused because it makes sockets and opens files without these system calls.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from turnlog.domain import InvalidInput

from .confinement import Network

_LOAD, _JUMP, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06, 0x54
_KILL, _ERRNO, _ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32: Final = 0x4000_0000

_NAMESPACES: Final = 0x7E02_0000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_SET_ID: Final = 0o6000
_CREATING: Final = 0o100 | 0o20_000_000
"""O_CREAT and the part of O_TMPFILE that is its own: with these an open has a mode."""
_TERMINAL_INPUT: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal, as if the person before it had."""
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_RAW: Final = 3

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the kernel calls a machine, and its numbers of system calls. Names it does not have are missing."""

    audit: int
    numbers: Mapping[str, int]


_COMMON: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "fchmodat2": 452,
    "open_tree_attr": 467,
}

# x86-64 first, then AArch64; None where it has no such call.
_NUMBERS: Final[Mapping[str, tuple[int, int | None]]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "creat": (85, None),
    "delete_module": (176, 106),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioctl": (16, 29),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "mount": (165, 40),
    "open": (2, None),
    "open_by_handle_at": (304, 265),
    "openat": (257, 56),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "socket": (41, 198),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}

ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "x86_64": Architecture(0xC000_003E, _COMMON | {name: pair[0] for name, pair in _NUMBERS.items()}),
        "aarch64": Architecture(
            0xC000_00B7, _COMMON | {name: pair[1] for name, pair in _NUMBERS.items() if pair[1] is not None}
        ),
    }
)

# Their arguments are behind pointers, which a filter cannot follow; callers know what to do without them.
_ABSENT: Final = frozenset({"clone3", "openat2"})
_MODE_ARGUMENT: Final = {"chmod": 1, "creat": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2}
_OPENING: Final = {"open": 1, "openat": 2}
"""Which argument has the flags; the mode is the next one."""
_JUDGED_BY_ARGUMENTS: Final = frozenset({*_MODE_ARGUMENT, *_OPENING, "clone", "ioctl", "socket"})


def seccomp_filter(network: Network, machine: str) -> bytes:
    """The filter for a machine as `platform.machine()` names it. Raises InvalidInput for one it does not know."""
    if machine not in ARCHITECTURES:
        raise InvalidInput(f"no system call filter is known for {machine!a}; use the level none or a container")
    architecture = ARCHITECTURES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), _refuse(_EPERM)]
    for name, number in sorted(architecture.numbers.items()):
        judged = _judge(name, network)
        program += [(_EQUAL, 0, len(judged), number), *judged]
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _judge(name: str, network: Network) -> Sequence[Instruction]:
    """What follows once the call is known. Each ends in a verdict, so that the number need not be loaded again."""
    if name in _ABSENT:
        return [_refuse(_ENOSYS)]
    if name not in _JUDGED_BY_ARGUMENTS:
        return [_refuse(_EPERM)]
    if name == "socket":
        return _judge_socket(network)
    if name == "ioctl":
        return [_load(1), *_refuse_if_any(_TERMINAL_INPUT), _allow()]
    if name == "clone":
        return [_load(0), (_ANY_BIT, 0, 1, _NAMESPACES), _refuse(_EPERM), _allow()]
    if name in _OPENING:
        flags = _OPENING[name]
        creating: list[Instruction] = [_load(flags), (_ANY_BIT, 1, 0, _CREATING), _allow()]
        return [*creating, *_refuse_set_id(flags + 1)]
    return _refuse_set_id(_MODE_ARGUMENT[name])


def _judge_socket(network: Network) -> Sequence[Instruction]:
    if network == "none":
        return [_refuse(_EPERM)]
    # Netlink only for routes, which resolvers look at; raw sockets could forge what others seem to send.
    return [
        _load(0),
        (_EQUAL, 0, 1, _UNIX),
        _allow(),
        (_EQUAL, 0, 4, _NETLINK),
        _load(2),
        (_EQUAL, 0, 1, 0),
        _allow(),
        _refuse(_EAFNOSUPPORT),
        (_EQUAL, 2, 0, _INET),
        (_EQUAL, 1, 0, _INET6),
        _refuse(_EAFNOSUPPORT),
        _load(1),
        (_AND, 0, 0, 0xF),
        (_EQUAL, 0, 1, _RAW),
        _refuse(_EPERM),
        _allow(),
    ]


def _refuse_set_id(argument: int) -> list[Instruction]:
    return [_load(argument), (_ANY_BIT, 0, 1, _SET_ID), _refuse(_EPERM), _allow()]


def _refuse_if_any(constants: Sequence[int]) -> list[Instruction]:
    return [each for constant in constants for each in ((_EQUAL, 0, 1, constant), _refuse(_EPERM))]


def _load(argument: int) -> Instruction:
    # The low half: the kernel itself looks at no more of these arguments.
    return _LOAD, 0, 0, _ARGUMENTS + 8 * argument


def _refuse(error: int) -> Instruction:
    return _RETURN, 0, 0, _ERRNO | error


def _allow() -> Instruction:
    return _RETURN, 0, 0, _ALLOW
