"""Cases: rules and a call as one JSON object, and the verdict on it. Nothing that is in one can fail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from turnlog.domain import InvalidInput, PermissionRule, parse_rule
from turnlog.projections import one_line

from .calls import Document, ToolCall, call_from_text, call_of, read_json
from .envelope import approval_refusal
from .evaluation import Judgement, judge
from .examples import example_faults

JsonObject = Mapping[str, JsonValue]

_WORKSPACE: Final = "$WS"
_APPROVAL: Final = "approval"
# What a rule of a case may say beside the rule itself: the glob a person would have written.
_COMMENTS: Final = frozenset({"pattern"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on a case, the id that the case gives itself, and the verdict it expects; None where it says none."""

    id: JsonValue
    judgement: Judgement
    expected: JsonValue = None


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of a case that are sound, what is wrong with the others, and the tool they are about."""

    sound: tuple[PermissionRule, ...]
    faults: tuple[str, ...]
    tool: JsonValue


def judge_case(line: str, workspace: Path) -> Answer:
    """The verdict on one line of JSON. `$WS` in it stands for the workspace. Raises nothing."""
    try:
        document = read_json(line)
    except InvalidInput as problem:
        return Answer(None, _asked(f"the case is no JSON: {problem}"))
    case = document.value
    if not isinstance(case, dict):
        return Answer(None, _asked("the case is no JSON object"))
    try:
        judgement = _judge_document(document, case, workspace)
    except InvalidInput as problem:
        judgement = _asked(problem.message)
    except Exception as error:  # noqa: BLE001 - no case may end the run, or be allowed by an accident
        judgement = _asked(f"the case could not be judged ({type(error).__name__})")
    return Answer(case.get("id"), judgement, case.get("expected"))


def _asked(why: str) -> Judgement:
    return Judgement("prompt", one_line(why, 300))


def _judge_document(document: Document, case: JsonObject, workspace: Path) -> Judgement:
    rule, given = (_substituted(case.get(key), str(workspace)) for key in ("rule", "input"))
    if isinstance(rule, dict) and ("approved" in rule or rule.get("tool") == _APPROVAL):
        return _judge_approval(document, rule, given)
    if document.doubt:
        raise InvalidInput(document.doubt)
    listed = _substituted(case.get("rules", []), str(workspace))
    rules = _rules(rule, listed, workspace)
    judgement = judge(rules.sound, _call(given, rules.tool), workspace)
    return _asked("; ".join(rules.faults)) if rules.faults and judgement.verdict != "deny" else judgement


def _judge_approval(document: Document, rule: JsonObject, given: JsonValue) -> Judgement:
    approved, execution = rule.get("approved"), given.get("execute") if isinstance(given, dict) else None
    if document.doubt or not isinstance(approved, dict) or not isinstance(execution, dict):
        return Judgement("deny", document.doubt or "there is no approved envelope, or none to execute")
    refusal = approval_refusal(approved, execution)
    return Judgement("deny", f"{refusal}; ask again") if refusal else Judgement("allow", "exactly this was approved")


def _rules(rule: JsonValue, listed: JsonValue, workspace: Path) -> _Rules:
    tool = rule.get("tool") if isinstance(rule, dict) else None
    sound, faults = list[PermissionRule](), list[str]()
    for place, data in enumerate(_listed(rule, listed), 1):
        try:
            parsed = parse_rule(_completed(data, tool))
            sound.append(parsed)
            faults += (f"rule {place} is not sound: {fault}" for fault in example_faults(parsed, workspace))
        except InvalidInput as problem:
            faults.append(f"rule {place} is not valid: {problem}")
    return _Rules(tuple(sound), tuple(faults), tool or (sound[0].tool if sound else None))


def _listed(rule: JsonValue, listed: JsonValue) -> Iterator[JsonValue]:
    several = rule["rules"] if isinstance(rule, dict) and "rules" in rule else rule
    for each in (several, listed):
        if isinstance(each, list):
            yield from each
        elif each is not None:
            yield each


def _completed(data: JsonValue, tool: JsonValue) -> JsonValue:
    """A rule without its comments, with the tool of the rules it stands among."""
    if not isinstance(data, dict):
        return data
    return {"tool": tool, **{key: value for key, value in data.items() if key not in _COMMENTS}}


def _call(given: JsonValue, tool: JsonValue) -> ToolCall:
    """The call of a case: `{tool, input}`, `{tool, raw}` with JSON text, or the arguments for the rules' own tool."""
    if not isinstance(given, dict):
        raise InvalidInput("input is no JSON object")
    if given.keys() in ({"tool", "input"}, {"tool", "raw"}):
        tool, given = given["tool"], given.get("raw", given.get("input"))
        if isinstance(tool, str) and isinstance(given, str):
            return call_from_text(tool, given)
    if not isinstance(tool, str) or not isinstance(given, dict):
        raise InvalidInput("the case has no tool, or its arguments are no JSON object")
    return call_of(tool, given)


def _substituted(value: JsonValue, workspace: str) -> JsonValue:
    if isinstance(value, str):
        return value.replace(_WORKSPACE, workspace)
    if isinstance(value, list):
        return [_substituted(each, workspace) for each in value]
    if isinstance(value, dict):
        return {key: _substituted(each, workspace) for key, each in value.items()}
    return value
