"""Where the demo is shown: headings, sentences, and real commands before their real output."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from .demo_processes import Child, DemoFailed, Processes

OK = 0
WAITS = 4
"""The exit code of a turn that waits for a person."""


@dataclass(frozen=True, slots=True)
class Cue:
    """How to show a command: the exit codes that are right, and how many lines of its output at most."""

    codes: Collection[int] = (OK,)
    lines: int = 12
    last: bool = False


class Stage:
    """Runs commands and shows them. `quiet` shows nothing; the commands run all the same."""

    def __init__(self, processes: Processes, console: Console) -> None:
        self._processes = processes
        self._console = console
        self._scenes = 0

    def scene(self, title: str, *sentences: str) -> None:
        """A heading, and what is about to be seen."""
        self._scenes += 1
        self._console.print()
        self._console.print(Text(f"{self._scenes}. {title}", "bold"))
        self.say(*sentences)

    def say(self, *sentences: str) -> None:
        """Say something, a line each."""
        for sentence in sentences:
            self._console.print(Text(sentence), soft_wrap=True)

    def proof(self, *facts: str) -> None:
        """Say what was found to be so."""
        for fact in facts:
            self._console.print(Text.assemble(("✓ ", "green"), fact), soft_wrap=True)

    def typed(self, command: str) -> None:
        """A command as a person would type it."""
        self._console.print(Text.assemble(("$ ", "dim"), (command, "cyan")), soft_wrap=True)

    def run(self, *arguments: str, cue: Cue | None = None) -> str:
        """Run a command to its end and show it; its output. Raises DemoFailed."""
        return self.shown(self._processes.start(*arguments), cue or Cue())

    def shown(self, child: Child, cue: Cue) -> str:
        """Show a command that was started, once it has ended; its output. Raises DemoFailed."""
        self.typed(child.shown)
        code = child.wait()
        if code not in cue.codes:
            raise DemoFailed(f"`{child.name}` ended with {code}: {child.last_line()}")
        output = child.output()
        self._console.print(Text.from_ansi("\n".join(_within(output.splitlines(), cue))), soft_wrap=True)
        return output


def _within(lines: Sequence[str], cue: Cue) -> Sequence[str]:
    """The lines there is room for, and how many there are besides."""
    if len(lines) <= cue.lines:
        return lines
    rest = f"  … {len(lines) - cue.lines + 1} more lines"
    room = cue.lines - 1
    return [rest, *lines[-room:]] if cue.last else [*lines[:room], rest]
