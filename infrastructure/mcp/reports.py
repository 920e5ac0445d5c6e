"""What is kept of a server beside its messages, for people: the end of what it says of errors, and why it is gone."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from turnlog.domain import clean
from turnlog.projections import one_line

from .servers import Secrets

MOST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message of a server; a longer one ends the connection."""

_KEPT = 4096
_SHOWN = 300


@dataclass(slots=True)
class Report:
    """Notes on one connection, bounded. `lost` is set once nothing more is to be heard from the server.

    `secrets` are the values it was given, by name; the text has the names in their place.
    """

    lost: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""
    garbage: int = 0
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    _errors: bytes = b""
    _line: bytes = b""

    def end(self, why: str) -> None:
        """The connection is over; the first reason counts."""
        self.why = self.why or why
        self.lost.set()

    def take_error(self, chunk: bytes) -> None:
        """Keep the end of what it writes to its error output."""
        self._errors = (self._errors + chunk)[-_KEPT:]

    def take_garbage(self, line: bytes) -> None:
        """Count a line that is no message."""
        self.garbage += 1
        self._line = line[:_KEPT]

    def __str__(self) -> str:
        said = [self.why] if self.why else []
        if self.garbage:
            shown = one_line(clean(self._line.decode(errors="replace")), _SHOWN)
            said.append(f"{self.garbage:,} lines of its output are no messages, the last: {shown}")
        errors = clean(self._errors.decode(errors="replace")).strip()
        if errors:
            said.append(f"its last errors: {one_line(errors[-_SHOWN:], _SHOWN)}")
        return self._without_secrets("; ".join(said))

    def watched(self, secrets: Secrets) -> Secrets:
        """The same secrets; what of them is used is not told again."""

        def give(name: str) -> str:
            self.secrets[name] = secrets(name)
            return self.secrets[name]

        return give

    def _without_secrets(self, text: str) -> str:
        for name, value in self.secrets.items():
            text = text.replace(value, f"[secret {name}]") if value else text
        return text
