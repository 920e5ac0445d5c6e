"""Rules read by their structure: the adapter behind the port `Permissions`.

Every process that opens a log makes one, and few of them judge a call: so all it needs is imported when it is used.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnlog.domain import (
    BUILT_IN,
    AnyCall,
    ArgvPrefix,
    Evaluation,
    ExactArgv,
    ExactCall,
    Finding,
    InvalidInput,
    JudgedCall,
    PermissionRule,
    Program,
    Proposal,
    Surroundings,
    Tool,
    clean,
)
from turnlog.projections import one_line

if TYPE_CHECKING:
    from .evaluation import Judgement, Trace

OWN_FILES: Final = f"{BUILT_IN}own-files"
SECRETS: Final = f"{BUILT_IN}secrets"
UNREADABLE: Final = f"{BUILT_IN}unreadable"
SCRIPT: Final = f"{BUILT_IN}script"
"""Rules that are always there: turnlog's own files, files that hold secrets, what may be denied and cannot be read, and
scripts for a shell that nothing confines are asked about."""

_SCRIPTS: Final = "shell_script"

# An evaluation is recorded with every decision, so it has bounds whatever the call and the rules.
_MOST_WHY: Final = 300  # characters
_MOST_PART: Final = 200
_MOST_WORD: Final = 1000
_MOST_COMMANDS: Final = 50
_MOST_WORDS: Final = 100
_MOST_FINDINGS: Final = 20


class StructuredPermissions:
    """Reads rules as `judge` does. What it says of a call depends on that call, the rules and the files alone."""

    def surroundings(self, tool: Tool, call: JudgedCall) -> Surroundings:
        """What else decides the effect of a call. Raises what the tool raises."""
        from .surroundings import surroundings_of

        return surroundings_of(tool, call)

    def judge(self, rules: Sequence[PermissionRule], call: JudgedCall) -> Evaluation:
        """What the rules say together, in whatever order they come. Raises nothing: what goes wrong prompts."""
        from .calls import call_of
        from .evaluation import judge

        try:
            judged = call_of(call.tool, call.arguments, call.exact)
            counting = _counting(rules, call)
            judgement = judge(counting, judged, call.workspace)
            return _guarded(_evaluation(judgement), judgement, counting, call)
        except Exception as error:  # noqa: BLE001 - what cannot be judged, or said, is asked about
            why = f"the call could not be judged ({type(error).__name__})"
            return Evaluation(verdict="prompt", why=why, rules=(UNREADABLE,))

    def proposals(self, call: JudgedCall) -> tuple[Proposal, ...]:
        """Rules that would allow this call and others like it, the narrowest first; never the exact call."""
        from .proposing import proposals_for

        return () if _is_free_script(call) else proposals_for(call)

    def pack(self, name: str) -> tuple[PermissionRule, ...]:
        """The rules of a pack. Raises InvalidInput, which names those there are."""
        if name not in _PACKS:
            raise InvalidInput(f"there is no rule pack {one_line(name)!r}; there is {', '.join(sorted(_PACKS))}")
        return _PACKS[name]()

    def faults(self, rule: PermissionRule, workspace: Path | None) -> tuple[str, ...]:
        """What is wrong with a rule by its own examples, a sentence each."""
        from .examples import example_faults

        return tuple(example_faults(rule, workspace))


@cache
def _developer() -> tuple[PermissionRule, ...]:
    from .developer import developer_rules

    return developer_rules()


_PACKS: Final[dict[str, Callable[[], tuple[PermissionRule, ...]]]] = {"developer": _developer}


def _guarded(
    found: Evaluation, judgement: "Judgement", rules: Sequence[PermissionRule], call: JudgedCall
) -> Evaluation:
    """Asked about even where the policy allows what no rule speaks of: what a rule might deny, could it be read."""
    if found.verdict == "deny" or (found.verdict == "prompt" and found.rules):
        return found
    if found.verdict == "prompt" and _is_free_script(call):
        return _asked(found, "a script can do anything, and no sandbox confines it", SCRIPT)
    widely = found.verdict == "prompt" or _is_for_every_call(found, rules)
    if widely and (file := _special_file(call)) is not None:
        return _asked(found, *file)
    unknown = judgement.trace.unknowns
    if widely and unknown and any(rule.tool == call.tool and _is_about_commands(rule) for rule in rules):
        return _asked(found, f"a rule may deny it, but nobody can tell all it runs: {unknown[0]}", UNREADABLE)
    return found


def _asked(found: Evaluation, why: str, rule: str) -> Evaluation:
    return found.model_copy(update={"verdict": "prompt", "why": one_line(why, _MOST_WHY), "rules": (rule,)})


def _is_for_every_call(found: Evaluation, rules: Sequence[PermissionRule]) -> bool:
    """Whether nothing but a rule for all calls of the tool allows it."""
    cited = [rule for rule in rules if rule.id in found.rules]
    return bool(cited) and all(isinstance(rule.matcher, AnyCall) for rule in cited)


def _counting(rules: Sequence[PermissionRule], call: JudgedCall) -> Sequence[PermissionRule]:
    """The rules that count: a script that nothing confines is allowed by a rule for exactly that call, or by none."""
    if not _is_free_script(call):
        return rules
    return [rule for rule in rules if rule.effect != "allow" or isinstance(rule.matcher, ExactCall)]


def _is_free_script(call: JudgedCall) -> bool:
    return call.tool == _SCRIPTS and call.bounds.sandbox == "none"


def _is_about_commands(rule: PermissionRule) -> bool:
    return rule.effect != "allow" and isinstance(rule.matcher, ExactArgv | ArgvPrefix | Program)


def _special_file(call: JudgedCall) -> tuple[str, str] | None:
    """Why a file that a call names is asked about, and by which rule; None where none is."""
    from .paths import ANY_PATH, Workspace, own_file, secret_file

    workspace = Workspace(call.workspace)
    paths = [value for key, value in call.arguments.items() if key.casefold() in ANY_PATH and isinstance(value, str)]
    if own := next((path for path in paths if own_file(path, workspace)), None):
        return f"{own!r} belongs to turnlog itself, and what it says decides what is allowed", OWN_FILES
    if secret := next((path for path in paths if secret_file(path, workspace)), None):
        return f"{secret!r} is where secrets are kept, and a model would see them", SECRETS
    return None


def _evaluation(judgement: "Judgement") -> Evaluation:
    return Evaluation(
        verdict=judgement.verdict,
        why=one_line(judgement.why, _MOST_WHY),
        rules=tuple(map(clean, judgement.ids)),
        commands=_commands(judgement.trace) or None,
        findings=_findings(judgement.trace) or None,
    )


def _commands(trace: "Trace") -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(clean(_cut(word)) for word in words[:_MOST_WORDS]) for words in trace.commands[:_MOST_COMMANDS])


def _cut(word: str) -> str:
    return word if len(word) <= _MOST_WORD else f"{word[: _MOST_WORD - 1]}…"


def _findings(trace: "Trace") -> tuple[Finding, ...]:
    """The findings that tell most first: rules that match, then those that came close."""
    told = sorted(trace.findings, key=lambda finding: finding.refusal != "")[:_MOST_FINDINGS]
    return tuple(
        Finding(
            rule=clean(each.rule_id),
            part=one_line(each.part, _MOST_PART),
            refusal=one_line(each.refusal, _MOST_PART) or None,
        )
        for each in told
    )
