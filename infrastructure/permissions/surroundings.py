"""What surrounds a call: what its tool says of it, or else where it is made."""

import os
from pathlib import Path

from turnlog.domain import JudgedCall, Surrounded, Surroundings, Tool


def surroundings_of(tool: Tool, call: JudgedCall) -> Surroundings:
    """What decides the effect of a call beside its arguments. Blocks; executes nothing. Raises what the tool raises."""
    if isinstance(tool, Surrounded):
        return tool.surroundings(call.arguments, call.workspace, call.bounds)
    return workspace_alone(call.workspace)


def workspace_alone(workspace: Path | None) -> Surroundings:
    """The surroundings of a call that depends on nothing but its workspace."""
    if workspace is None:
        return Surroundings()
    return Surroundings(cwd=storable(str(workspace)), cwd_real=storable(os.path.realpath(workspace)))


def storable(text: str) -> str:
    """A path or a value of the environment as text that JSON can hold: one that is not UTF-8 as its bytes, in hex."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"bytes {text.encode('utf-8', 'surrogatepass').hex()}"
    return text
