"""Trying rules on a call of the log: what is read for it, and what would be decided on it now."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final

from pydantic import JsonValue, ValidationError

from turnlog.domain import (
    BOARD_TOOLS,
    TASK_TOOL,
    TEAM_TOOLS,
    BlobDamaged,
    BlobMissing,
    BlobRef,
    Considered,
    CorruptRecord,
    Evaluation,
    ExactCall,
    JudgedCall,
    PermissionRule,
    Policy,
    Session,
    ToolSpec,
    Verdict,
    decide,
)

from ..bodies import Bodies
from ..environment import Environment
from ..own_names import OWN_TOOLS
from ..permissions.policies import PolicyInForce, policy_of
from ..turns.arguments import InvalidArguments, parse_object
from .recorded_calls import Decided, RecordedCall

_KNOWN_TOOL_SETS: Final = 64
_KNOWN_RULE_SETS: Final = 256
_WITHIN_LOG: Final = (*BOARD_TOOLS, *TEAM_TOOLS, TASK_TOOL)
UNREADABLE: Final = (BlobMissing, BlobDamaged, CorruptRecord, InvalidArguments, ValidationError)
"""What may be wrong with what is kept of a call."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Rules to try on the calls made since a moment: everywhere, and besides those for sessions of a project.

    With `sessions_own` the rules count that a session kept to itself when a call was decided on. The policies of
    sessions always do, as they were recorded.
    """

    rules: tuple[PermissionRule, ...]
    of_projects: Mapping[str, tuple[PermissionRule, ...]] = field(default_factory=dict[str, tuple[PermissionRule, ...]])
    sessions_own: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A call on record with all it takes to judge it anew; `reads` says that its tool changes nothing."""

    call: RecordedCall
    decided: Decided
    judged: JudgedCall
    reads: bool
    policy: Policy
    rules: tuple[PermissionRule, ...]


class Cases:
    """Makes cases of calls on record."""

    def __init__(self, env: Environment, trial: Trial) -> None:
        self._env = env
        self._trial = trial
        self._exact = _digests((*trial.rules, *chain.from_iterable(trial.of_projects.values())))
        # The same tuple for all calls of a kind, so that whoever judges can tell that the rules are the same.
        self._rules: OrderedDict[tuple[object, ...], tuple[PermissionRule, ...]] = OrderedDict()
        self._tools: OrderedDict[str, Mapping[str, ToolSpec]] = OrderedDict()

    async def of(self, call: RecordedCall, decided: Decided) -> Case | None:
        """The case of a call; None where something of it is missing, damaged or makes no sense. Raises StoreError."""
        own = tuple(rule.written for rule in call.rules) if self._trial.sessions_own else ()
        exact = self._exact | _digests(own)
        by_rule = next((exact[rule] for rule in decided.rules if rule in exact), "")
        try:
            policy = await policy_of(self._env, Session(call.session_id, policy=call.policy))
            spec = (await self._tools_of(call.tools)).get(call.tool)
            judged = await judged_call(self._env.bodies, call, call.exact or by_rule)
        except UNREADABLE:
            return None
        reads = spec.read_only if spec is not None else decided.by == "read_only"
        return Case(call, decided, judged, reads, policy.policy, self._rules_for(call.project, policy, own))

    def _rules_for(
        self, project: str | None, policy: PolicyInForce, own: tuple[PermissionRule, ...]
    ) -> tuple[PermissionRule, ...]:
        key = (project, policy.digest, *(rule.id for rule in own))
        if key not in self._rules:
            of_project = () if project is None else self._trial.of_projects.get(project, ())
            self._rules[key] = (*self._trial.rules, *of_project, *own, *policy.policy.rules)
            if len(self._rules) > _KNOWN_RULE_SETS:
                self._rules.popitem(last=False)
        return self._rules[key]

    async def _tools_of(self, ref: BlobRef | None) -> Mapping[str, ToolSpec]:
        if ref is None:
            return {}
        if ref.sha256 not in self._tools:
            self._tools[ref.sha256] = {spec.name: spec for spec in await self._env.bodies.tools(ref)}
            if len(self._tools) > _KNOWN_TOOL_SETS:
                self._tools.popitem(last=False)
        return self._tools[ref.sha256]


def _digests(rules: Iterable[PermissionRule]) -> dict[str, str]:
    """What exact rules name, by the ids of the rules: where one was cited for a call, that is the call's own digest."""
    return {rule.id: rule.matcher.digest for rule in rules if rule.id and isinstance(rule.matcher, ExactCall)}


async def judged_call(bodies: Bodies, call: RecordedCall, exact: str = "") -> JudgedCall:
    """A call on record as rules see it. Raises InvalidArguments, BlobMissing, BlobDamaged, StoreError."""
    arguments: Mapping[str, JsonValue] = parse_object(await bodies.text(call.arguments))
    return JudgedCall(call.tool, arguments, None if call.workspace is None else Path(call.workspace), exact)


def verdict_on(case: Case, said: Evaluation) -> tuple[Verdict, str]:
    """What would be decided on a case now, where the rules say this; and why."""
    policy, tool = case.policy, case.call.tool
    word = case.decided.verdict if case.decided.by == "authorizer" else None
    within_log = tool in _WITHIN_LOG and (case.decided.verdict, case.decided.by) == ("allow", "policy")
    found = decide(policy, Considered(tool, said, case.reads, tool in OWN_TOOLS, word, within_log))
    match found.by:
        case "rules":
            return found.verdict, said.why
        case "authorizer":
            return found.verdict, f"the authorizer said so: {found.verdict}"
        case "two_persons":
            return found.verdict, f"the policy {policy.name} wants two persons to agree"
        case "read_only":
            return found.verdict, "it only reads"
        case "policy" if found.verdict == "prompt":
            return found.verdict, said.why
        case "policy":
            return found.verdict, f"no rule decides, and then the policy {policy.name} says so"
