"""The verdict on a call under a set of rules: deny, else prompt, else allow where everything is allowed, else prompt.

It depends on which rules there are, not on their order. Whatever goes wrong in between asks a person, and never
allows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, assert_never

from turnlog.projections import one_line

from .allowing import ANOTHER, allow_refusal
from .calls import ToolCall, shape_refusal
from .commands import Commands, arguments_refusal, commands_of, has_command
from .hosts import may_reach, url_refusal
from .matchers import ArgvPrefix, ExactArgv, FileAccess, Hosts, JsonKeys, Program, SqlReadOnly
from .paths import Workspace, access_refusal, may_touch
from .restricting import restricts
from .rules import PermissionRule
from .tokens import SimpleCommand
from .widest import PossibleCommand

Verdict = Literal["allow", "prompt", "deny"]

_MOST_FINDINGS: Final = 20  # of rules that do not match, for each part of a call
# What else the file tools take; none of it leads to another file.
_BESIDE_PATH: Final = frozenset(
    {"path", "content", "old", "new", "expected_replacements", "offset", "limit", "depth", "pattern", "glob"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one part of the call; `refusal` is empty where it matches."""

    rule: str
    part: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """How a verdict came about: the rules that decided, or came close, and the commands that were seen."""

    findings: tuple[Finding, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    possible: tuple[PossibleCommand, ...] = ()
    unknowns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why in one sentence, the rules to cite, and the trace behind it."""

    verdict: Verdict
    why: str
    rules: tuple[str, ...] = ()
    trace: Trace = Trace()


@dataclass(frozen=True, slots=True)
class _Named:
    """A rule and what it is called in a sentence: by its id, or by its place, counted from 1."""

    name: str
    rule: PermissionRule


def judge(rules: Sequence[PermissionRule], call: ToolCall, workspace: Path) -> Judgement:
    """What the rules say of a call made in a workspace. Raises nothing."""
    try:
        return _judge(rules, call, Workspace(workspace))
    except Exception as error:  # noqa: BLE001 - a call that cannot be judged is asked about, whatever the reason
        return Judgement("prompt", f"the call could not be judged ({type(error).__name__}), so it is asked about")


def _judge(rules: Sequence[PermissionRule], call: ToolCall, workspace: Workspace) -> Judgement:
    named = [_Named(_name(rule, at), rule) for at, rule in enumerate(rules, 1) if rule.tool == call.tool]
    commands = commands_of(call) if has_command(call) else None
    for effect in ("deny", "prompt"):
        restricted = _restriction([each for each in named if each.rule.effect == effect], call, commands, workspace)
        if restricted is not None:
            verb = "denies" if effect == "deny" else "asks about"
            why = f"{restricted.rule} {verb} {restricted.part}"
            return Judgement(effect, why, (restricted.rule,), _trace(commands, (restricted,)))
    return _allowance([each for each in named if each.rule.effect == "allow"], call, commands, workspace)


def _name(rule: PermissionRule, place: int) -> str:
    return f"rule {place if rule.id is None else one_line(rule.id)}"


def _restriction(
    named: Sequence[_Named], call: ToolCall, commands: Commands | None, workspace: Workspace
) -> Finding | None:
    """The first rule that speaks of the call, or of anything it may lead to."""
    for each in named:
        part = _restricted_part(each.rule, call, commands, workspace)
        if part is not None:
            return Finding(each.name, part)
    return None


def _restricted_part(
    rule: PermissionRule, call: ToolCall, commands: Commands | None, workspace: Workspace
) -> str | None:
    matcher = rule.matcher
    match matcher:
        case ExactArgv() | ArgvPrefix() | Program():
            possible = () if commands is None else commands.possible
            found = next((command for command in possible if restricts(matcher, command.words)), None)
            return None if found is None else _shown_possible(found)
        case FileAccess():
            paths = (value for value in call.values("path") if isinstance(value, str))
            return next((one_line(repr(path)) for path in paths if may_touch(matcher, path, workspace)), None)
        case Hosts():
            urls = (value for value in call.values("url") if isinstance(value, str))
            return next((one_line(repr(url)) for url in urls if may_reach(url, matcher.hosts)), None)
        case JsonKeys():
            return None if shape_refusal(call.arguments, matcher.keys) else "calls with these arguments"
        case SqlReadOnly():
            return None
        case _:
            assert_never(matcher)


def _allowance(named: Sequence[_Named], call: ToolCall, commands: Commands | None, workspace: Workspace) -> Judgement:
    if call.doubt:
        return Judgement("prompt", call.doubt, trace=_trace(commands, ()))
    if not named:
        return Judgement("prompt", f"no rule allows {_part(call)}{_mystery(commands)}", trace=_trace(commands, ()))
    if commands is None:
        said = ((each.name, _call_refusal(each.rule, call, workspace)) for each in named)
        return _concluded([_until_allowed(_part(call), said)], None)
    if commands.refusal:
        return Judgement("prompt", f"{_part(call)} is not allowed: {commands.refusal}", trace=_trace(commands, ()))
    by_program = _by_program(named)
    different = {(command.argv, command.redirections): command for command in commands.certain}.values()
    return _concluded([_command_findings(by_program, each, call, workspace) for each in different], commands)


def _call_refusal(rule: PermissionRule, call: ToolCall, workspace: Workspace) -> str:
    """Why a rule does not allow a call without a command; empty if it does."""
    matcher, arguments = rule.matcher, call.arguments
    if matcher.keys is not None and (refusal := shape_refusal(arguments, matcher.keys)):
        return refusal
    match matcher:
        case JsonKeys():
            return ""
        case SqlReadOnly():
            return "nothing in the text of SQL proves that it only reads"
        case FileAccess():
            path = arguments.get("path")
            return _surplus(call, matcher.keys, _BESIDE_PATH) or (
                access_refusal(matcher, path, workspace) or "" if isinstance(path, str) else "there is no path"
            )
        case Hosts():
            url = arguments.get("url")
            return _surplus(call, matcher.keys, frozenset({"url"})) or (
                url_refusal(url, matcher.hosts) or "" if isinstance(url, str) else "there is no URL"
            )
        case _:
            return "there is no command"


def _surplus(call: ToolCall, keys: tuple[str, ...] | None, known: frozenset[str]) -> str:
    odd = None if keys is not None else next((key for key in call.arguments if key not in known), None)
    return "" if odd is None else f"the argument {one_line(repr(odd))} may change what the call does"


def _part(call: ToolCall) -> str:
    """The call as a sentence names it: its tool, and what it is about."""
    subject = next(call.values("command", "argv", "path", "url"), None)
    return f"the call {one_line(call.tool)}" if subject is None else f"{one_line(call.tool)} {one_line(repr(subject))}"


def _mystery(commands: Commands | None) -> str:
    if commands is None or not commands.unknowns:
        return ""
    return f", and nobody can tell all it may run: {one_line(commands.unknowns[0])}"


def _by_program(named: Sequence[_Named]) -> dict[str, list[_Named]]:
    found: defaultdict[str, list[_Named]] = defaultdict(list)
    for each in named:
        match each.rule.matcher:
            case ExactArgv(exact=words) | ArgvPrefix(argv_prefix=words):
                found[words[0]].append(each)
            case _:
                pass
    return found


def _command_findings(
    by_program: dict[str, list[_Named]], command: SimpleCommand, call: ToolCall, workspace: Workspace
) -> tuple[Finding, ...]:
    """What the rules for its program say of a command."""
    part, named = _shown(command.argv), by_program.get(command.argv[0], ())
    said = ((each.name, _command_refusal(each.rule, command, call, workspace)) for each in named)
    return _until_allowed(part, said) or (Finding("", part, "no rule allows it"),)


def _until_allowed(part: str, said: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
    """What rules, by name, say of a part of the call, up to the first that does not refuse it."""
    findings: list[Finding] = []
    for name, refusal in said:
        if not refusal:
            return (*findings, Finding(name, part))
        if len(findings) < _MOST_FINDINGS:
            findings.append(Finding(name, part, refusal))
    return tuple(findings)


def _command_refusal(rule: PermissionRule, command: SimpleCommand, call: ToolCall, workspace: Workspace) -> str:
    matcher = rule.matcher
    if not isinstance(matcher, ExactArgv | ArgvPrefix):
        return "the rule is not about commands"
    return arguments_refusal(call, matcher.keys) or allow_refusal(matcher, command, workspace) or ""


def _concluded(parts: Sequence[tuple[Finding, ...]], commands: Commands | None) -> Judgement:
    """Allow if each part has a rule that matches; otherwise the sentence is about the first that has none."""
    trace = _trace(commands, tuple(finding for findings in parts for finding in findings))
    for findings in parts:
        if all(finding.refusal for finding in findings):
            return Judgement("prompt", _objection(findings), trace=trace)
    allowing = tuple(dict.fromkeys(f.rule for findings in parts for f in findings if not f.refusal))
    what = ", ".join(dict.fromkeys(findings[-1].part for findings in parts))
    return Judgement("allow", f"{what}: allowed by {', '.join(allowing)}", allowing, trace)


def _objection(findings: Sequence[Finding]) -> str:
    closest = next((finding for finding in findings if finding.refusal != ANOTHER), findings[0])
    by = f" by {closest.rule}" if closest.rule else ""
    return f"{closest.part} is not allowed{by}: {one_line(closest.refusal, 200)}"


def _trace(commands: Commands | None, findings: tuple[Finding, ...]) -> Trace:
    if commands is None:
        return Trace(findings)
    certain = tuple(command.argv for command in commands.certain)
    return Trace(findings, certain, commands.possible, commands.unknowns)


def _shown_possible(command: PossibleCommand) -> str:
    shown = _shown(command.words)
    return f"{shown} (run by {one_line(', '.join(command.via))})" if command.via else shown


def _shown(words: Sequence[str | None]) -> str:
    return f"`{one_line(' '.join('…' if word is None else word for word in words))}`"
