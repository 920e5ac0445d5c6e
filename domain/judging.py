"""What the runtime needs to judge calls: what they are about, what surrounds them, and who reads rules.

Reading a rule means looking at files, so it is behind a port; what follows from a verdict is decided here and in the
commands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from .bounds import Bounds
from .permission_rule import PermissionRule
from .tooling import Tool
from .verdicts import Evaluation, Proposal


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A call as rules see it. `exact` is the digest that exact rules name; "" where nobody computed it.

    `bounds` are the limits it would run within.
    """

    tool: str
    arguments: Mapping[str, JsonValue]
    workspace: Path | None = None
    exact: str = ""
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides the effect of a call beside its arguments, as it is on this machine at this moment.

    `cwd` is the directory it runs in as it was given, `cwd_real` the same through symlinks; `env` the environment it
    gets; `program` the file that is executed and `program_id` what tells it from another one in its place. `files` are
    SHA-256, in hex, of the files an interpreter will read, and `paths` where the paths in the arguments lead, both by
    path. `unbound` says, a sentence each, what could not be bound. `sandbox` is the level it runs at.
    """

    cwd: str | None = None
    cwd_real: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    program: str | None = None
    program_id: str | None = None
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    unbound: tuple[str, ...] = ()
    sandbox: str = "none"


@runtime_checkable
class Surrounded(Protocol):
    """A tool that knows what surrounds its calls. Others are taken to depend on their workspace alone."""

    def surroundings(self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        """What else decides the effect of this call. Blocks. Raises anything; then the call is not judged, but denied.

        What is not there, such as a program nobody has installed, is no error: the call itself will say so.
        """
        ...


@runtime_checkable
class WithinLog(Protocol):
    """A tool that changes nothing outside the log, so that it may run where no rule speaks of it."""

    @property
    def within_log(self) -> bool:
        """Whether that is so."""
        ...


@runtime_checkable
class Previewed(Protocol):
    """A tool that can show what a call would come to. That binds nobody: the call itself is what is allowed."""

    def preview(self, arguments: Mapping[str, JsonValue]) -> str | None:
        """A text for whoever is asked, or none. Blocks. Raises anything; then that is shown in its place."""
        ...


class Permissions(Protocol):
    """Reads rules. Everything here blocks, for it may look at files."""

    def surroundings(self, tool: Tool, call: JudgedCall) -> Surroundings:
        """What else decides the effect of a call. Raises what the tool raises."""
        ...

    def judge(self, rules: Sequence[PermissionRule], call: JudgedCall) -> Evaluation:
        """What the rules say together, in whatever order they come. Raises nothing: what goes wrong prompts."""
        ...

    def proposals(self, call: JudgedCall) -> tuple[Proposal, ...]:
        """Rules that would allow this call and others like it, the narrowest first. The exact call is not among them.

        Raises nothing: what cannot be generalised has none.
        """
        ...

    def pack(self, name: str) -> tuple[PermissionRule, ...]:
        """The rules of a pack. Raises InvalidInput, which names those there are."""
        ...

    def faults(self, rule: PermissionRule, workspace: Path | None) -> tuple[str, ...]:
        """What is wrong with a rule by its own examples, a sentence each."""
        ...
