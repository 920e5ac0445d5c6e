"""What is kept of a server beside its messages, for people: the end of what it says of errors, and why it is gone."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from turnlog.domain import clean
from turnlog.projections import one_line

from .servers import Secrets

MOST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message of a server; a longer one ends the connection."""

_KEPT = 64 * 1024
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
        said = [self.without_secrets(self.why)] if self.why else []
        if self.garbage:
            shown = one_line(self._text(self._line), _SHOWN)
            said.append(f"{self.garbage:,} lines of its output are no messages, the last: {shown}")
        # Of half a line nobody could tell whether a secret is in it.
        whole = self._errors if len(self._errors) < _KEPT else self._errors.partition(b"\n")[2]
        errors = self._text(whole).strip()
        if errors:
            said.append(f"its last errors: {one_line(errors[-_SHOWN:], _SHOWN)}")
        return "; ".join(said)

    def watched(self, secrets: Secrets) -> Secrets:
        """The same secrets; what of them is used is not told again."""

        def give(name: str) -> str:
            self.secrets[name] = secrets(name)
            return self.secrets[name]

        return give

    def without_secrets(self, text: str) -> str:
        """The text with names in place of secrets: as it came, for in a cut or folded one they would not be found."""
        names = {value: name for name, value in self.secrets.items() if value}
        if not names:
            return text
        values = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))  # one may be a part of another
        return re.sub(values, lambda found: f"[secret {names[found.group()]}]", text)

    def _text(self, said: bytes) -> str:
        return clean(self.without_secrets(said.decode(errors="replace")))
