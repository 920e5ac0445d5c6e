"""Looking at a call from all sides, at one moment: what surrounds it, and what the rules say of it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import (
    COMMAND_KEYS,
    Bounds,
    CorruptRecord,
    Evaluation,
    JudgedCall,
    PermissionRule,
    Permissions,
    Rule,
    Session,
    Surrounded,
    Surroundings,
    Tool,
    clean,
    in_force,
)

from ..environment import Environment
from ..histories import load
from .envelopes import Envelope, Occasion, envelope, exact_digest
from .policies import PolicyInForce, policy_of


class Unreadable(Exception):
    """The rules, the policy or the surroundings cannot be read, so the call is denied; the message says why."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A call whose tool is at hand and whose arguments fit it, made in a workspace."""

    tool: Tool
    arguments: Mapping[str, JsonValue]
    workspace: Path | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: the surroundings, the digest of the exact call, what the rules say, and by which policy.

    `rules` are the remembered ones that were in force.
    """

    of: Understood
    surroundings: Surroundings
    exact: str
    evaluation: Evaluation
    policy: PolicyInForce
    rules: tuple[Rule, ...]

    @property
    def judged(self) -> JudgedCall:
        """The call as rules see it."""
        return _judged(self.of, self.policy.policy.bounds, self.exact)

    def envelope(self, occasion: Occasion) -> Envelope:
        """The envelope on an occasion."""
        return envelope(self.of.tool.spec, self.of.arguments, self.of.workspace, self.surroundings, occasion)


async def rules_for(env: Environment, session: Session) -> tuple[Rule, ...]:
    """The rules of the session, its project, this process and everybody, as they stand now.

    Raises StoreError, CorruptRecord.
    """
    found = (*session.rules, *await _denied_above(env, session), *await env.books.speaking(session.project))
    return tuple(sorted(found, key=_is_counted))  # of two that allow the first is cited, and the last is used up


async def _denied_above(env: Environment, session: Session) -> tuple[Rule, ...]:
    """What the sessions that a subagent works for do not allow. What they were allowed, it was not."""
    found: list[Rule] = []
    while session.spawned_by is not None:
        session = await load(env, session.spawned_by.session)
        found.extend(rule for rule in session.rules if rule.effect != "allow")
    return tuple(found)


def _is_counted(rule: Rule) -> bool:
    return rule.uses is not None


Counting = Callable[[Iterable[Rule], datetime], tuple[Rule, ...]]
"""Which of the rules count at a moment."""


async def look_at(env: Environment, session: Session, call: Understood, counting: Counting = in_force) -> Look:
    """Look at a call. Raises Unreadable, BlobMissing, BlobDamaged, StoreError; ValueError for what no JSON can say."""
    try:
        policy = await policy_of(env, session)
        rules = counting(await rules_for(env, session), env.now())
    except CorruptRecord as error:
        raise Unreadable(f"the rules cannot be read, and nothing runs without them: {error.message}") from error
    written = (*policy.policy.rules, *(rule.written for rule in rules))
    judged = _judged(call, policy.policy.bounds)
    try:
        surroundings, exact, evaluation = await _away_from_the_loop(env.permissions, call, judged, written)
    except Unreadable as error:
        raise Unreadable(env.redactor.text(str(error))) from error
    return Look(call, _without_secrets(env, surroundings), exact, evaluation, policy, rules)


def _without_secrets(env: Environment, surroundings: Surroundings) -> Surroundings:
    """The surroundings as they may be kept: the environment of a program is where secrets are."""
    if not env.redactor:
        return surroundings
    return replace(
        surroundings, env={name: env.redactor.text(clean(value)) for name, value in surroundings.env.items()}
    )


Found = tuple[Surroundings, str, Evaluation]


def _judged(call: Understood, bounds: Bounds, exact: str = "") -> JudgedCall:
    return JudgedCall(call.tool.spec.name, call.arguments, call.workspace, exact, bounds)


async def _away_from_the_loop(
    permissions: Permissions, call: Understood, judged: JudgedCall, rules: tuple[PermissionRule, ...]
) -> Found:
    """In a thread, but where there are neither files nor commands to look at."""
    name = call.tool.spec.name
    unruled = all(rule.tool != name for rule in rules) and not COMMAND_KEYS.intersection(
        map(str.casefold, call.arguments)
    )
    if unruled and call.workspace is None and not isinstance(call.tool, Surrounded):
        return _look(permissions, call, judged, rules)
    return await asyncio.to_thread(_look, permissions, call, judged, rules)


def _look(permissions: Permissions, call: Understood, judged: JudgedCall, rules: tuple[PermissionRule, ...]) -> Found:
    surroundings = _surroundings(permissions, call.tool, judged)
    exact = exact_digest(call.tool.spec, call.arguments, call.workspace, surroundings)
    return surroundings, exact, permissions.judge(rules, replace(judged, exact=exact))


def _surroundings(permissions: Permissions, tool: Tool, judged: JudgedCall) -> Surroundings:
    try:
        return permissions.surroundings(tool, judged)
    except Exception as error:
        said = clean(f"{type(error).__name__}: {error}")
        raise Unreadable(f"what decides the effect of the call could not be looked up ({said})") from error
