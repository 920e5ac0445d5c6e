"""Which rules allow a call: one that covers it whole, or one for each of its commands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    JsonKeys,
    PermissionRule,
    SqlReadOnly,
)
from turnlog.projections import one_line

from .allowing import ANOTHER, allow_refusal
from .calls import ToolCall, shape_refusal
from .citing import Finding, Placed, shown_call, shown_words
from .commands import Commands, arguments_refusal
from .hosts import url_refusal
from .paths import ANY_PATH, NAMING, Workspace, access_refusal, name_refusal, own_file
from .tokens import SimpleCommand

_MOST_FINDINGS: Final = 20  # of rules that came close, for each part of a call
# What else the file tools take; none of it leads to another file.
_BESIDE_PATH: Final = frozenset(
    {
        *("content", "old", "new", "expected_replacements", "edits", "overwrite", "recursive"),
        *("offset", "limit", "depth", "pattern", "glob", "ignore_case", "context_lines", "hidden", "ignored"),
    }
)
_PATH: Final = ("path",)
_PATHS: Final[Mapping[str, tuple[str, ...]]] = {"move_file": ("path", "to")}

Parts = tuple[tuple[Finding, ...], ...]
"""Findings for each part of a call; where a part is allowed, the last one of it says by which rule."""


def grants(placed: Sequence[Placed], call: ToolCall, commands: Commands | None, workspace: Workspace) -> Parts | str:
    """What allow rules say of each part of a call, or why it cannot be told into parts."""
    if call.doubt:
        return call.doubt
    if not placed:
        return f"no rule allows {shown_call(call)}{_mystery(commands)}"
    part = shown_call(call)
    if commands is None:
        said = ((each, _call_refusal(each.rule, call, workspace)) for each in placed)
        return (_until_allowed(part, said),)
    whole = [each for each in placed if isinstance(each.rule.matcher, ExactCall | AnyCall)]
    covering = _until_allowed(part, ((each, _call_refusal(each.rule, call, workspace)) for each in whole))
    if is_allowed(covering):
        return (covering,)
    if commands.refusal:
        return f"{part} is not allowed: {commands.refusal}"
    by_beginning = _by_beginning(placed)
    different = {(command.argv, command.redirections): command for command in commands.certain}.values()
    return tuple(_command_findings(by_beginning, each, call, workspace) for each in different)


def is_allowed(findings: tuple[Finding, ...]) -> bool:
    """Whether a rule allows the part that these are about."""
    return not findings[-1].refusal


def _mystery(commands: Commands | None) -> str:
    if commands is None or not commands.unknowns:
        return ""
    return f", and nobody can tell all it may run: {one_line(commands.unknowns[0])}"


def _until_allowed(part: str, said: Iterable[tuple[Placed, str]]) -> tuple[Finding, ...]:
    """What rules that come close say of a part of the call, up to the first that does not refuse it; never nothing."""
    findings: list[Finding] = []
    for placed, refusal in said:
        if not refusal:
            return (*findings, placed.finding(part))
        if refusal != ANOTHER and len(findings) < _MOST_FINDINGS:
            findings.append(placed.finding(part, refusal))
    return tuple(findings) or (Finding("", part, "no rule allows it"),)


def _call_refusal(rule: PermissionRule, call: ToolCall, workspace: Workspace) -> str:
    """Why a rule does not allow a call as a whole; empty if it does."""
    matcher = rule.matcher
    match matcher:
        case ExactCall():
            return "" if matcher.digest and matcher.digest == call.exact else ANOTHER
        case AnyCall():
            return _own_refusal(call, workspace)
        case _ if matcher.keys is not None and (refusal := shape_refusal(call.arguments, matcher.keys)):
            return refusal
        case JsonKeys():
            return ""
        case SqlReadOnly():
            return "nothing in the text of SQL proves that it only reads"
        case FileAccess():
            return _path_refusal(matcher, call, workspace)
        case Hosts():
            return _url_refusal(matcher, call)
        case _:
            return "there is no command"


def _own_refusal(call: ToolCall, workspace: Workspace) -> str:
    paths = (path for path in call.values(*ANY_PATH) if isinstance(path, str))
    own = next((part for path in paths if (part := own_file(path, workspace))), None)
    return "" if own is None else f"{one_line(repr(own))} is turnlog's own, and only an exact rule allows to touch it"


def _path_refusal(matcher: FileAccess, call: ToolCall, workspace: Workspace) -> str:
    names = _PATHS.get(call.tool, _PATH)
    if surplus := _surplus(call, matcher.keys, _BESIDE_PATH.union(names)):
        return surplus
    for name in names:
        path = call.arguments.get(name)
        if not isinstance(path, str):
            return f"there is no {name}"
        refusal = access_refusal(matcher, path, workspace)
        if refusal is None and call.tool in NAMING:
            refusal = name_refusal(path, workspace)
        if refusal is not None:
            return refusal
    return ""


def _url_refusal(matcher: Hosts, call: ToolCall) -> str:
    url = call.arguments.get("url")
    if surplus := _surplus(call, matcher.keys, frozenset({"url"})):
        return surplus
    return url_refusal(url, matcher.hosts) or "" if isinstance(url, str) else "there is no URL"


def _surplus(call: ToolCall, keys: tuple[str, ...] | None, known: frozenset[str]) -> str:
    odd = None if keys is not None else next((key for key in call.arguments if key not in known), None)
    return "" if odd is None else f"the argument {one_line(repr(odd))} may change what the call does"


def _by_beginning(placed: Sequence[Placed]) -> dict[tuple[str, ...], list[Placed]]:
    """Rules for commands by the first one or two words of these."""
    found: defaultdict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for each in placed:
        match each.rule.matcher:
            case ExactArgv(exact=words) | ArgvPrefix(argv_prefix=words):
                found[words[:2]].append(each)
            case _:
                pass
    return found


def _command_findings(
    by_beginning: dict[tuple[str, ...], list[Placed]], command: SimpleCommand, call: ToolCall, workspace: Workspace
) -> tuple[Finding, ...]:
    """What the rules that begin as it does say of a command; those that begin with more of it come first."""
    beginnings = dict.fromkeys((command.argv[:2], command.argv[:1]))
    placed = (each for beginning in beginnings for each in by_beginning.get(beginning, ()))
    said = ((each, _command_refusal(each.rule, command, call, workspace)) for each in placed)
    return _until_allowed(shown_words(command.argv), said)


def _command_refusal(rule: PermissionRule, command: SimpleCommand, call: ToolCall, workspace: Workspace) -> str:
    matcher = rule.matcher
    if not isinstance(matcher, ExactArgv | ArgvPrefix):
        return ANOTHER
    refusal = allow_refusal(matcher, command, workspace)
    return ANOTHER if refusal == ANOTHER else arguments_refusal(call, matcher.keys) or refusal or ""
