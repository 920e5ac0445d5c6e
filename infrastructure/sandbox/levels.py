"""The levels a program can be confined at, weakest first, and what each holds. Data, for people and for `doctor`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Level = Literal["none", "landlock", "bubblewrap"]

LEVELS: Final[tuple[Level, ...]] = ("none", "landlock", "bubblewrap")
"""In order of strength."""

Guard = Literal[
    "file_writes", "file_reads", "carve_outs", "tcp", "udp", "unix_sockets", "processes", "signals", "ipc", "metadata"
]
Word = Literal["holds", "depends", "open"]
"""`holds` is probed before a level counts as there; `depends` is probed and reported; `open` is not promised."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a level says of one guard, and how it keeps it or why it cannot, in a few words."""

    word: Word
    how: str


GUARDS: Final[Mapping[Guard, str]] = MappingProxyType(
    {
        "file_writes": "writing, making, removing and truncating files outside the writable roots",
        "file_reads": "reading and executing files outside the readable and writable roots",
        "carve_outs": "changing what is carved out of a writable root, where it is there at the start",
        "tcp": "TCP connections, where the network is not allowed",
        "udp": "UDP, and so DNS, where the network is not allowed",
        "unix_sockets": "Unix sockets of others, by path or abstract, where the network is not allowed",
        "processes": "reading the memory and environment of processes outside",
        "signals": "signalling processes outside",
        "ipc": "System V shared memory, semaphores and queues of others",
        "metadata": "mode, owner and times of files outside the writable roots",
    }
)

_NONE: Final = Promise("open", "nothing but limits and no_new_privs")

PROMISES: Final[Mapping[Level, Mapping[Guard, Promise]]] = MappingProxyType(
    {
        "none": MappingProxyType(dict.fromkeys(GUARDS, _NONE)),
        "landlock": MappingProxyType(
            {
                "file_writes": Promise("holds", "Landlock; truncating needs ABI 3 (Linux 6.2)"),
                "file_reads": Promise("holds", "Landlock; that a file is there, its size and times can still be seen"),
                "carve_outs": Promise("holds", "the root is split around them: nothing new beside a carve-out"),
                "tcp": Promise("holds", "seccomp, and Landlock from ABI 4"),
                "udp": Promise("holds", "seccomp: no socket can be made"),
                "unix_sockets": Promise("holds", "seccomp: only socketpair; Landlock from ABI 6"),
                "processes": Promise("holds", "Landlock and seccomp; command lines in /proc can be read"),
                "signals": Promise("depends", "Landlock from ABI 6 (Linux 6.12)"),
                "ipc": Promise("open", "System V objects have no paths"),
                "metadata": Promise("open", "Landlock has no right for it; set-uid and set-gid bits are refused"),
            }
        ),
        "bubblewrap": MappingProxyType(
            {
                "file_writes": Promise("holds", "read-only mounts"),
                "file_reads": Promise("holds", "other files are not mounted"),
                "carve_outs": Promise("holds", "read-only mounts; what is missing at the start cannot be held"),
                "tcp": Promise("holds", "network namespace and seccomp"),
                "udp": Promise("holds", "network namespace and seccomp"),
                "unix_sockets": Promise("holds", "seccomp: only socketpair; network namespace for abstract ones"),
                "processes": Promise("holds", "process namespace"),
                "signals": Promise("holds", "process namespace"),
                "ipc": Promise("holds", "IPC namespace"),
                "metadata": Promise("holds", "read-only mounts"),
            }
        ),
    }
)


def promised(level: Level) -> frozenset[Guard]:
    """The guards without which a level does not count as there."""
    return frozenset(guard for guard, promise in PROMISES[level].items() if promise.word == "holds")
