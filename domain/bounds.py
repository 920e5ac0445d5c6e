"""Hard limits of tools: what no approval, rule or authorizer can lift."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .content import Value

SandboxLevel = Literal["none", "landlock", "bubblewrap"]
"""How a program is confined, in order of strength."""

SANDBOX_LEVELS: tuple[SandboxLevel, ...] = ("none", "landlock", "bubblewrap")

READ_ONLY = (
    ".git/config",
    ".git/hooks",
    ".gitattributes",
    ".envrc",
    ".vscode",
    ".idea",
    ".turnlog",
    "turnlog.db",
    "turnlog.db-shm",
    "turnlog.db-wal",
)
"""What stays as it is in a workspace unless somebody says otherwise: files from which programs take what to run."""


def _absolute(path: str) -> str:
    if not path.startswith("/") or "\0" in path:
        raise ValueError(f"{path!r} is not an absolute path")
    return path


Root = Annotated[str, AfterValidator(_absolute)]


class Bounds(Value):
    """The limits, as a session keeps them within its policy.

    `commands` switches the running of programs on. Beside the workspace, tools may read below `read_roots` and write
    below `write_roots` (absolute paths); `read_only` are paths inside writable directories that stay as they are.
    Programs get the environment variables `environment`, and the secrets `secrets` under their names. A call takes at
    most `seconds`, keeps `output_bytes` of each stream, and starts `processes`; files grow to `file_bytes`. Without
    `network` programs reach no network, which takes a sandbox. `background` tasks may run at a time. Programs run at
    the level `sandbox`, or not at all.
    """

    commands: bool = False
    read_roots: tuple[Root, ...] = ()
    write_roots: tuple[Root, ...] = ()
    read_only: tuple[str, ...] = READ_ONLY
    environment: tuple[str, ...] = ("HOME", "LANG", "LC_ALL", "TMPDIR")
    secrets: tuple[str, ...] = ()
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 600.0
    output_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024
    processes: Annotated[int, Field(ge=1)] = 512
    file_bytes: Annotated[int, Field(ge=1)] = 4 * 1024**3
    network: bool = True
    background: Annotated[int, Field(ge=0)] = 8
    sandbox: SandboxLevel = "none"


def narrower(one: Bounds, other: Bounds) -> Bounds:
    """Limits that lift nothing which either of two holds."""
    return Bounds(
        commands=one.commands and other.commands,
        read_roots=_shared(one.read_roots, other.read_roots),
        write_roots=_shared(one.write_roots, other.write_roots),
        read_only=(*other.read_only, *(path for path in one.read_only if path not in other.read_only)),
        environment=tuple(name for name in other.environment if name in one.environment),
        secrets=tuple(name for name in other.secrets if name in one.secrets),
        seconds=min(one.seconds, other.seconds),
        output_bytes=min(one.output_bytes, other.output_bytes),
        processes=min(one.processes, other.processes),
        file_bytes=min(one.file_bytes, other.file_bytes),
        network=one.network and other.network,
        background=min(one.background, other.background),
        sandbox=SANDBOX_LEVELS[max(map(SANDBOX_LEVELS.index, (one.sandbox, other.sandbox)))],
    )


def _shared(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The directories below which both may go. Paths with `..` are shared only where they are the same."""
    both = (*(path for path in others if _below(path, some)), *(path for path in some if _below(path, others)))
    return tuple(dict.fromkeys(both))


def _below(path: str, roots: tuple[str, ...]) -> bool:
    inside = any(path.startswith(f"{root.rstrip('/')}/") for root in roots)
    return path in roots or (inside and ".." not in path.split("/"))
