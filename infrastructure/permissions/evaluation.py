"""The verdict on a call under a set of rules: deny, else prompt, else allow where everything is allowed, else prompt.

It depends on which rules there are, not on their order. Whatever goes wrong in between asks a person, and never
allows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, assert_never

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    JsonKeys,
    PermissionRule,
    Program,
    SqlReadOnly,
    Verdict,
)
from turnlog.projections import one_line

from .calls import ToolCall, shape_refusal
from .citing import Finding, Placed, shown_words
from .commands import Commands, commands_of, has_command
from .granting import grants, is_allowed
from .hosts import may_reach
from .paths import ANY_PATH, NAMING, Workspace, may_search, may_touch
from .restricting import PossibleCommands, restricted
from .widest import PossibleCommand

# Tools that begin at the workspace when they are given no path, and those that take all that is below one.
_BEGIN_HERE: Final = frozenset({"list_files", "search_files"})
_TAKING_ALL: Final = frozenset({"search_files", *NAMING})


@dataclass(frozen=True, slots=True)
class Trace:
    """How a verdict came about: the rules that decided, or came close, and the commands that were seen."""

    findings: tuple[Finding, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    possible: tuple[PossibleCommand, ...] = ()
    unknowns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why in one sentence, the rules to cite, their ids (`rule 3` for one without), and the trace behind it.

    Where no rule decided, but that nothing allowed the call, none is cited.
    """

    verdict: Verdict
    why: str
    rules: tuple[str, ...] = ()
    trace: Trace = Trace()
    ids: tuple[str, ...] = ()


def judge(rules: Sequence[PermissionRule], call: ToolCall, workspace: Path | None) -> Judgement:
    """What the rules say of a call made in a workspace. Raises nothing.

    Without a workspace nothing is allowed that is relative, and what is denied may be anywhere.
    """
    try:
        return _judge(rules, call, Workspace(workspace))
    except Exception as error:  # noqa: BLE001 - a call that cannot be judged is asked about, whatever the reason
        return Judgement("prompt", f"the call could not be judged ({type(error).__name__}), so it is asked about")


def _judge(rules: Sequence[PermissionRule], call: ToolCall, workspace: Workspace) -> Judgement:
    placed = [Placed(place, rule) for place, rule in enumerate(rules, 1) if rule.tool == call.tool]
    commands = commands_of(call) if has_command(call) else None
    seen = _Seen(call, commands, workspace)
    for effect in ("deny", "prompt"):
        found = _restriction((each for each in placed if each.rule.effect == effect), seen)
        if found is not None:
            why = f"{found.rule} {'denies' if effect == 'deny' else 'asks about'} {found.part}"
            return Judgement(effect, why, (found.rule,), _trace(commands, (found,)), (found.rule_id,))
    parts = grants([each for each in placed if each.rule.effect == "allow"], call, commands, workspace)
    if isinstance(parts, str):
        return Judgement("prompt", parts, trace=_trace(commands, ()))
    return _concluded(parts, commands)


class _Seen:
    """A call as restrictions look at it, with what is looked at for many of them worked out once."""

    def __init__(self, call: ToolCall, commands: Commands | None, workspace: Workspace) -> None:
        self.call = call
        self.possible = PossibleCommands(() if commands is None else commands.possible)
        self.workspace = workspace

    @cached_property
    def urls(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Each URL that was given, and every host that some reader could see in it."""
        given = (value for value in self.call.values("url") if isinstance(value, str))
        return tuple((url, frozenset(may_reach(url))) for url in given)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Each path that was given, or is meant by giving none."""
        given = tuple(self.call.values(*ANY_PATH))
        if not given and self.call.tool in _BEGIN_HERE:
            return (".",)
        return tuple(path for path in given if isinstance(path, str))


def _restriction(placed: Iterator[Placed], seen: _Seen) -> Finding | None:
    """The first rule that speaks of the call, or of anything it may lead to."""
    for each in placed:
        part = _restricted_part(each.rule, seen)
        if part is not None:
            return each.finding(part)
    return None


def _restricted_part(rule: PermissionRule, seen: _Seen) -> str | None:
    matcher, call = rule.matcher, seen.call
    match matcher:
        case ExactArgv() | ArgvPrefix() | Program():
            found = restricted(matcher, seen.possible)
            return None if found is None else _shown_possible(found)
        case FileAccess():
            touches = may_search if call.tool in _TAKING_ALL else may_touch
            return next((one_line(repr(path)) for path in seen.paths if touches(matcher, path, seen.workspace)), None)
        case Hosts():
            return next((one_line(repr(url)) for url, hosts in seen.urls if not hosts.isdisjoint(matcher.hosts)), None)
        case JsonKeys():
            return None if shape_refusal(call.arguments, matcher.keys) else "calls with these arguments"
        case ExactCall():
            return "exactly this call" if matcher.digest and matcher.digest == call.exact else None
        case AnyCall():
            return f"every call of {one_line(call.tool)}"
        case SqlReadOnly():
            return None
        case _:
            assert_never(matcher)


def _concluded(parts: Sequence[tuple[Finding, ...]], commands: Commands | None) -> Judgement:
    """Allow if each part has a rule that matches; otherwise the sentence is about the first that has none."""
    trace = _trace(commands, tuple(finding for findings in parts for finding in findings))
    refused = next((findings[0] for findings in parts if not is_allowed(findings)), None)
    if refused is not None:
        by = f" by {refused.rule}" if refused.rule else ""
        why = f"{refused.part} is not allowed{by}: {one_line(refused.refusal, 200)}"
        return Judgement("prompt", why, trace=trace)
    allowing = {findings[-1].rule_id: findings[-1].rule for findings in parts}
    what = ", ".join(dict.fromkeys(findings[-1].part for findings in parts))
    names = tuple(dict.fromkeys(allowing.values()))
    return Judgement("allow", f"{what}: allowed by {', '.join(names)}", names, trace, tuple(allowing))


def _trace(commands: Commands | None, findings: tuple[Finding, ...]) -> Trace:
    if commands is None:
        return Trace(findings)
    certain = tuple(command.argv for command in commands.certain)
    return Trace(findings, certain, commands.possible, commands.unknowns)


def _shown_possible(command: PossibleCommand) -> str:
    shown = shown_words(command.words)
    return f"{shown} (run by {one_line(', '.join(command.via))})" if command.via else shown
