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
