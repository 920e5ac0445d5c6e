"""Confines itself, then becomes another program: `python -I -S launcher.py PLAN PROGRAM ARGV0 ARGV1 …`.

A script of its own, because a threaded process must not do this between fork and exec, and with few imports, because
every command waits for them. The program's variables come with a prefix: under their own names the loader would heed
them (LD_PRELOAD) before anything is confined. Whatever goes wrong, the program is not started.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import stat
import sys

TYPE_CHECKING = False  # importing it would cost more than all the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from .plans import BubblewrapPlan, LandlockPlan, Plan

PREFIX = b"child."
GATE = "turnlog.gate"
"""The variable that names the descriptor to wait at, where whoever starts this has to see to something first."""
REFUSED = 125
"""The exit status when the program was not started because it could not be confined."""
NOT_EXECUTABLE, NOT_FOUND = 126, 127

_ADD_RULE, _RESTRICT_SELF, _CREATE_RULESET = 445, 446, 444
_OPENAT2, _NO_SYMLINKS = 437, 0x04
_AT_FDCWD = -100
_SET_SECCOMP, _FILTER, _CAPBSET_DROP, _NO_NEW_PRIVS, _CAP_AMBIENT, _CLEAR_ALL = 22, 2, 24, 38, 47, 4
_KEPT_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 3  # CHOWN, DAC_OVERRIDE, FOWNER: what Landlock bounds anyway
_CAPABILITIES_3 = 0x20080522
_SIGPIPE, _SIGXFSZ = 13, 25

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def main(arguments: list[str]) -> NoReturn:
    """Become the program, confined."""
    try:
        plan: Plan = marshal.loads(bytes.fromhex(arguments[0]))
        program, argv = arguments[1], arguments[2:]
        _wait_at_the_gate()
        variables = {name[len(PREFIX) :]: value for name, value in os.environb.items() if name.startswith(PREFIX)}
        _close_all_but(plan["inherited"])
        _limit(plan)
        for number in (_SIGPIPE, _SIGXFSZ):  # the interpreter ignores them, and so would the program
            _libc.signal(number, None)
        if plan["bubblewrap"] is not None:
            _become_bubblewrap(plan["bubblewrap"], plan["filter"], variables, [program, *argv[1:]])
        _give_up_privileges(confined=plan["landlock"] is not None)
        if plan["landlock"] is not None:
            _landlock(plan["landlock"])
        if plan["filter"]:
            _filter(plan["filter"])
    except BaseException as error:  # noqa: BLE001 -- nothing may lead on to the program
        _end(REFUSED, f"the program was not started, because it could not be confined: {error}")
    try:
        os.execve(program, argv, variables)
    except OSError as error:
        _end(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE, str(error))


def _wait_at_the_gate() -> None:
    """Return once a byte came; end where none will, because who started this has died."""
    gate = os.environ.get(GATE)
    if gate is not None and not os.read(int(gate), 1):
        os._exit(REFUSED)


def _end(status: int, message: str) -> NoReturn:
    os.write(2, f"turnlog sandbox: {message}\n".encode(errors="backslashreplace"))
    os._exit(status)


def _done(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _system_call(what: str, *arguments: int | bytes | ctypes.Array[ctypes.c_uint64] | None) -> int:
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return _done(int(_libc.syscall(*passed)), what)


def _control(what: str, *arguments: int | ctypes.Structure) -> int:
    passed = [ctypes.c_ulong(each) if isinstance(each, int) else ctypes.byref(each) for each in arguments]
    passed += [ctypes.c_ulong(0)] * (5 - len(passed))
    return _done(int(_libc.prctl(*passed)), what)


def _close_all_but(inherited: list[int]) -> None:
    first = 3
    for kept in sorted({each for each in inherited if each > 2}):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, max(first, os.sysconf("SC_OPEN_MAX")))


def _limit(plan: Plan) -> None:
    limits = [(resource.RLIMIT_CORE, 0), *plan["limits"]]
    if plan["processes"]:
        limits.append((resource.RLIMIT_NPROC, plan["processes"] + _tasks_of(os.getuid())))
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def _tasks_of(user: int) -> int:
    """How many threads a user has, which is what the kernel counts."""
    if sys.platform != "linux":
        return 0
    count = 0
    for name in os.listdir("/proc"):  # noqa: PTH208 -- pathlib is slow to import
        if name.isdecimal():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:  # noqa: PTH116 -- as above
                    count += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208 -- as above
            except OSError:  # gone meanwhile
                continue
    return count


def _give_up_privileges(*, confined: bool) -> None:
    if sys.platform != "linux":
        return
    _control("no_new_privs", _NO_NEW_PRIVS, 1)
    if not confined:
        return
    _libc.prctl(_CAP_AMBIENT, ctypes.c_ulong(_CLEAR_ALL), *[ctypes.c_ulong(0)] * 3)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    held = (ctypes.c_uint32 * 6)()
    _done(_libc.capget(header, held), "capget")
    for capability in range(64):
        if not _KEPT_CAPABILITIES >> capability & 1:
            _libc.prctl(_CAPBSET_DROP, ctypes.c_ulong(capability))  # refused to whom it does not matter
    permitted = held[1] & _KEPT_CAPABILITIES
    _done(_libc.capset(header, (ctypes.c_uint32 * 6)(permitted & held[0], permitted)), "capset")


def _landlock(plan: LandlockPlan) -> None:
    attributes = (ctypes.c_uint64 * 3)(plan["fs"], plan["net"], plan["scope"])
    ruleset = _system_call("landlock_create_ruleset", _CREATE_RULESET, attributes, ctypes.sizeof(attributes), 0)
    for root, rights in plan["rules"]:
        split = grants(root, rights, plan["reading"], plan["carve_outs"])
        for path, granted in split:
            try:
                opened = _open_itself(path)
            except OSError:
                if path == root and not root.startswith("/dev/"):
                    raise
                continue  # gone meanwhile, or a device that is not here: so much less is granted
            if not stat.S_ISDIR(os.fstat(opened).st_mode):
                granted &= plan["on_files"]  # noqa: PLW2901 -- the kernel refuses the others on a file
            rule = granted.to_bytes(8, "little") + opened.to_bytes(4, "little")
            _system_call(f"landlock_add_rule for {path!a}", _ADD_RULE, ruleset, 1, rule, 0)
            os.close(opened)
    _system_call("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def grants(path: str, rights: int, reading: int, carve_outs: list[str]) -> Iterator[tuple[str, int]]:
    """What to grant so that `rights` hold below a path, except for the carve-outs, which are for reading at most."""
    below = path.rstrip("/") + "/"
    if not rights & ~reading or not any(each == path or each.startswith(below) for each in carve_outs):
        yield path, rights
        return
    yield path, rights & reading
    if path in carve_outs or not os.path.isdir(path):  # noqa: PTH112 -- pathlib is slow to import
        return
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.is_symlink():
                yield from grants(below + entry.name, rights, reading, carve_outs)


def _open_itself(path: str) -> int:
    """Open a path for reference only. A symlink anywhere in it is refused, for it may be new."""
    how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_CLOEXEC, 0, _NO_SYMLINKS)
    return _system_call(f"opening {path!a}", _OPENAT2, _AT_FDCWD, os.fsencode(path), how, ctypes.sizeof(how))


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _filter(instructions: bytes) -> None:
    _control("seccomp", _SET_SECCOMP, _FILTER, _Program(len(instructions) // 8, instructions))


def _become_bubblewrap(plan: BubblewrapPlan, rules: bytes, variables: dict[bytes, bytes], argv: list[str]) -> None:
    options = [os.fsencode(option) for option in plan["options"]]
    for name, value in variables.items():
        options += [b"--setenv", name, value]
    options += [b"--seccomp", b"%d" % _in_memory(rules)]
    read_from = _in_memory(b"".join(option + b"\0" for option in options))
    os.execve(plan["program"], [plan["program"], "--args", str(read_from), "--", *argv], {})


def _in_memory(content: bytes) -> int:
    """A descriptor to read this from, for the next program. Not an argument, since those can be read by anybody."""
    descriptor = os.memfd_create("turnlog", 0)
    written = 0
    while written < len(content):
        written += os.write(descriptor, content[written:])
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


if __name__ == "__main__":
    main(sys.argv[1:])
