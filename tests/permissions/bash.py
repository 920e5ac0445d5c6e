"""What bash really runs: texts are given to it with stand-ins for every program, which write down their argv.

No real program can run: the search path is empty, builtins are switched off, the user is nobody when we are root.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_OLDEST: Final = 5  # `mapfile -d`; and what is compared is what a bash of today does


def _find_bash() -> str | None:
    found = shutil.which("bash")
    if found is None:
        return None
    asked = subprocess.run([found, "-c", "echo $BASH_VERSINFO"], capture_output=True, text=True, check=True)
    return found if int(asked.stdout) >= _OLDEST else None


BASH: Final = _find_bash()
# Needed by the harness itself; these are not written down.
REAL_BUILTINS: Final = frozenset({"eval", "printf", "unset"})
_NOBODY: Final = 65534
_SECONDS: Final = 120

# A newline is written as \2, because bash would write a record with newlines in pieces, between those of others.
# Each text runs twice, all stand-ins succeeding and all failing, so that what follows `&&` and what follows `||` runs.
_HARNESS: Final = r"""
ulimit -t 60 -f 65536 -u 200 -v 1048576
mapfile -d '' -t _texts
exec </dev/null
command_not_found_handle() { printf '%s\0' "$_n $_s" "$#" "${@//$'\n'/$'\2'}" >&9; [[ $_s == 0 ]]; }
for _b in $(compgen -b); do case $_b in eval|printf|unset|enable|set) ;; *) enable -n "$_b" ;; esac; done
FUNCNEST=9
[[ $1 == restricted ]] && set -r
enable -n set enable
for _n in "${!_texts[@]}"; do
    for _s in 0 1; do
        ( eval "${_texts[_n]}" )
    done
done
"""

# A slash that may begin a path out of the room the texts run in.
WAY_OUT: Final = re.compile(r"(?<![A-Za-z0-9_])/(?!dev/null)")

Argv = tuple[str, ...]
Runs = tuple[Counter[Argv], Counter[Argv]]


def what_runs(texts: Sequence[str], locale: str = "C.UTF-8", restricted: bool = False) -> list[Runs]:
    """The argv that bash runs for each text: when every program succeeds, and when every program fails.

    `restricted` also forbids paths as program names and output to files, for texts with expansions; without it, no
    text may hold an absolute path. Raises ValueError for one that does.
    """
    if not restricted and any(WAY_OUT.search(text) for text in texts):
        raise ValueError("a text that could reach a real program")
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as record:
        room = Path(directory)
        room.chmod(0o755)
        for name in ("a", "b", "-x"):  # for globs to find
            (room / name).touch()
        (room / "path").mkdir()
        script = f"exec 9>&{record.fileno()}\n{_HARNESS}"
        mode = "restricted" if restricted else "open"
        subprocess.run(
            [BASH or "bash", "--norc", "--noprofile", "-c", script, "bash", mode],
            input=b"".join(text.encode(errors="replace").replace(b"\0", b"") + b"\0" for text in texts),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=room,
            env={"PATH": str(room / "path"), "HOME": "/home-of-nobody", "LC_ALL": locale},
            pass_fds=(record.fileno(),),
            user=_NOBODY if os.geteuid() == 0 else None,
            timeout=_SECONDS,
            check=False,
        )
        record.seek(0)
        return _runs(record.read(), len(texts))


def _runs(record: bytes, count: int) -> list[Runs]:
    runs: list[Runs] = [(Counter(), Counter()) for _ in range(count)]
    for number, status, argv in _records(record):
        runs[number][status][argv] += 1
    return runs


def _records(record: bytes) -> Iterator[tuple[int, int, Argv]]:
    fields = iter(record.split(b"\0")[:-1])
    for head in fields:
        number, status = head.split()
        argv = tuple(
            next(fields).replace(b"\2", b"\n").decode(errors="surrogateescape") for _ in range(int(next(fields)))
        )
        yield int(number), int(status), argv
