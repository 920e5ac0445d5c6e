"""Process groups die with the process that started them, even when it is killed with SIGKILL.

`PR_SET_PDEATHSIG` would have to be set between fork and exec, where Python code may deadlock in a threaded
program, and it reaches only the child, not what the child starts. So one tiny shell a worker reads the groups
that are alive from a pipe; when the pipe ends, its writer is dead, and it kills them. A program of a call is launched
by one that waits until its group was reported. What is left open is a process that leaves its group.
"""

import atexit
import contextlib
import os
import subprocess
from threading import Lock
from typing import Final

_SCRIPT: Final = """
trap '' HUP INT TERM
live=' '
while read -r change group; do
  case $change in
    +) live="$live$group " ;;
    -) live="${live%% $group *} ${live#* $group }" ;;
  esac
done
for group in $live; do kill -KILL "-$group"; done
"""

_LAST_WAIT: Final = 1.0


class Undertaker:
    """The shell that outlives this process just long enough. Started by the first group, and again if it is gone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: set[int] = set()
        self._shell: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Have the shell running. Blocks for a millisecond the first time. Without a /bin/sh nothing is watched."""
        with self._lock, contextlib.suppress(OSError):
            self._ready_shell()

    def watch(self, group: int) -> None:
        """Kill this group should this process die."""
        with self._lock:
            self._groups.add(group)
            self._tell(f"+ {group}\n")

    def forget(self, group: int) -> None:
        """The group is gone; its number may be given to others."""
        with self._lock:
            if group in self._groups:
                self._groups.discard(group)
                self._tell(f"- {group}\n")

    def close(self) -> None:
        """End the shell: the pipe ends, it kills what is left, and goes."""
        with self._lock:
            self._end_shell()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):
            pipe = self._ready_shell().stdin
            if pipe is not None:
                pipe.write(line.encode())

    def _ready_shell(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # forked: the shell is the parent's, and so are its groups
            self._shell, self._owner = None, os.getpid()
            self._groups.clear()
        if self._shell is not None and self._shell.poll() is None:
            return self._shell
        self._end_shell()
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={},
            start_new_session=True,
        )
        return self._shell

    def _end_shell(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None and self._owner == os.getpid():
            if shell.stdin is not None:
                shell.stdin.close()
            try:
                shell.wait(timeout=_LAST_WAIT)
            except subprocess.TimeoutExpired:  # a forked copy of this process still holds the pipe
                shell.kill()
                shell.wait()


undertaker: Final = Undertaker()
atexit.register(undertaker.close)
