"""Rules to offer beside the exact call: each allows the call it was made for, and says in one line what else it covers.

A proposal widens a call only in ways somebody thought through: options that are known to do no harm, other paths of
the workspace, the same host. What nobody thought through is offered as it stands, or not at all.
"""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from turnlog.domain import COMMAND_KEYS, InvalidInput, JudgedCall, Matcher, PermissionRule, Proposal, parse_rule
from turnlog.projections import one_line

from .calls import ToolCall, call_of
from .commands import commands_of, has_command
from .evaluation import judge
from .paths import Workspace
from .proposing_commands import Fields, Offer, offers_for_command

MOST_PROPOSALS: Final = 4
_LONGEST_SHOWN: Final = 300  # characters; more is not read by the person who is asked

# Arguments that say what is done, not only to what: with any value of theirs it is any call.
_DECISIVE: Final = COMMAND_KEYS | {"path", "url", "sql", "code", "script"}
_OPERATIONS: Final = ("read", "write")


def proposals_for(call: JudgedCall) -> tuple[Proposal, ...]:
    """Rules that would allow this call and others like it, the narrowest first. Raises nothing.

    The exact call is not among them, and a line of several commands has none: a rule is about one command.
    """
    try:
        return tuple(_proposals(_Asked(call)))
    except Exception:  # noqa: BLE001 - a call that cannot be generalised can still be asked about
        return ()


class _Asked:
    """The call a person is asked about, and whether a rule would allow it."""

    def __init__(self, call: JudgedCall) -> None:
        self.call: ToolCall = call_of(call.tool, call.arguments)
        self.workspace: Path | None = call.workspace

    def rule(self, fields: Fields) -> PermissionRule | None:
        """The rule with this matcher; None where there can be none, or where by itself it does not allow the call."""
        try:
            rule = parse_rule({"tool": self.call.tool, "effect": "allow", "matcher": fields})
        except InvalidInput:
            return None
        return rule if judge([rule], self.call, self.workspace).verdict == "allow" else None


def _proposals(asked: _Asked) -> Iterator[Proposal]:
    offered: list[Matcher] = []
    for offer in _offers(asked):
        rule = asked.rule(offer.fields)
        # What cannot be shown whole, and as it is, is not offered.
        if rule is None or rule.matcher in offered or offer.shown != one_line(offer.shown, _LONGEST_SHOWN):
            continue
        offered.append(rule.matcher)
        yield Proposal(matcher=rule.matcher, shown=offer.shown)
        if len(offered) == MOST_PROPOSALS:
            return


def _offers(asked: _Asked) -> Iterator[Offer]:
    arguments = asked.call.arguments
    if has_command(asked.call):
        commands = commands_of(asked.call).certain
        if len(commands) == 1:
            yield from offers_for_command(commands[0].argv, lambda fields: asked.rule(fields) is not None)
    elif isinstance(path := arguments.get("path"), str) and asked.workspace is not None:
        yield from _for_path(asked, path, Workspace(asked.workspace))
    elif isinstance(url := arguments.get("url"), str):
        yield from _for_url(asked.call.tool, url)
    else:
        yield from _for_texts(asked.call)


def _for_path(asked: _Asked, path: str, workspace: Workspace) -> Iterator[Offer]:
    """The file, its directory, the workspace: for tools of which it is known what they do with a path."""
    found, tool = workspace.follow(path), one_line(asked.call.tool)
    operations = [op for op in _OPERATIONS if asked.rule({"op": op}) is not None]
    if isinstance(found, str) or len(operations) != 1:
        return
    op = operations[0]
    below = posixpath.relpath(found.path, workspace.root("."))
    if found.kind != "directory":
        yield Offer({"op": op, "under": below}, f"{tool} on {below!r}")
        below = posixpath.dirname(below) or "."
    if below != ".":
        yield Offer({"op": op, "under": below}, f"{tool} on what is in {below!r}, but for protected files")
    yield Offer({"op": op}, f"{tool} anywhere in the workspace, but for protected files")


def _for_url(tool: str, url: str) -> Iterator[Offer]:
    host = urlsplit(url).hostname
    if host is not None:
        yield Offer({"hosts": (host,)}, f"{one_line(tool)} with any https address at {host}")


def _for_texts(call: ToolCall) -> Iterator[Offer]:
    """Any values for the same arguments, where none of them says what is done."""
    keys = tuple(call.arguments)
    if keys and _DECISIVE.isdisjoint(key.casefold() for key in keys):
        yield Offer({"keys": keys}, f"{one_line(call.tool)} with any values for {', '.join(map(repr, keys))}")
