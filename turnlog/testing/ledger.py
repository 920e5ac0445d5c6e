"""Effects counted outside the process that has them."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import ToolContext


@dataclass(frozen=True, slots=True)
class Effected:
    """An effect: by which tool, under which idempotency key, with which arguments (as JSON), in which call."""

    tool: str
    key: str
    arguments: str = "{}"
    call_id: str = ""

    @property
    def what(self) -> str:
        """The effect whoever asked for it, to compare runs whose ids differ."""
        return f"{self.tool} {self.arguments}"


class Ledger:
    """A file with a line for every effect, which is on the disk before `note` returns: no death loses one.

    Several processes may write to it. Note in the tool itself, after its effect; the crash matrix does so by itself.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def note(self, tool: str, context: ToolContext, arguments: Mapping[str, JsonValue] | None = None) -> None:
        """Add a line; blocks until it is on the disk. Raises OSError."""
        said = json.dumps(dict(arguments or {}), sort_keys=True)
        line = json.dumps(asdict(Effected(tool, context.idempotency_key, said, context.call_id)))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self, tool: str | None = None) -> list[Effected]:
        """What was done so far, in order: all of it, or by one tool. Raises OSError."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        found = [Effected(**json.loads(line)) for line in lines]
        return [entry for entry in found if tool is None or entry.tool == tool]
