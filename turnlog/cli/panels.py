"""Help that lists commands under headings."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Panels(TyperGroup):
    """A group whose help has a heading for each panel of its commands, in the order in which they were registered.

    Rich can draw them, too, but would be imported for that: a list of commands is to be there at once.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings, each aligned with all of them."""
        panels: dict[str, list[tuple[str, str]]] = {}
        width = max(map(len, self.commands), default=0)
        for name, command in self.commands.items():
            panel = command.rich_help_panel if isinstance(command, TyperCommand | TyperGroup) else None
            if not command.hidden:
                panels.setdefault(panel or "Commands", []).append((name.ljust(width), command.short_help or ""))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


class ListsByDefault(Panels):
    """A group whose `list` may be left out: what is no command of it is what to list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words of a command line."""
        known = not args or args[0].startswith("-") or args[0] in self.commands
        return super().parse_args(ctx, args if known else ["list", *args])
