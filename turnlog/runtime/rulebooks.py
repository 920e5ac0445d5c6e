"""Rules made and unmade by hand, in the books they belong to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from turnlog.domain import (
    GLOBAL_BOOK,
    AnyCall,
    Change,
    Event,
    ExactCall,
    InvalidInput,
    NotFound,
    Rule,
    RuleEffect,
    VersionConflict,
    clean,
    commands,
    project_book,
)

from .environment import Environment
from .histories import book, load
from .writing import command

BookDecision = Callable[[tuple[Rule, ...]], Sequence[Event]]

_PROJECT_PREFIX = project_book("")


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule to be added: for a session, a project, or everybody where neither is named.

    `digest` limits it to one exact call, shown to people as `shown`; without it every call of the tool is meant.
    """

    effect: RuleEffect
    tool: str
    session_id: str | None = None
    project: str | None = None
    digest: str | None = None
    shown: str = ""
    reason: str = ""
    expires_at: datetime | None = None


async def list_rules(env: Environment, session_id: str | None = None) -> list[Rule]:
    """All rules of books, and those of a session. Raises NotFound, StoreError."""
    streams = [GLOBAL_BOOK, *await env.log.streams(_PROJECT_PREFIX, limit=10_000)]
    rules = [rule for stream in streams for rule in (await book(env.log, stream)).rules]
    if session_id is not None:
        rules.extend((await load(env, session_id)).rules)
    return rules


async def add_rule(env: Environment, draft: RuleDraft) -> str:
    """Add a rule; its id. Raises InvalidInput, NotFound, StoreError."""
    if draft.session_id is not None and draft.project is not None:
        raise InvalidInput("a rule belongs to a session or to a project, not to both")
    new = commands.rules.NewRule(
        rule_id=env.ids.new("rule"),
        scope="session" if draft.session_id else "project" if draft.project else "global",
        effect=draft.effect,
        tool=clean(draft.tool),
        matcher=AnyCall() if draft.digest is None else ExactCall(digest=draft.digest, shown=clean(draft.shown)),
        reason=clean(draft.reason),
        expires_at=draft.expires_at,
    )
    by = env.stamp()
    if draft.session_id is not None:
        await command(env, draft.session_id, lambda session: commands.rules.add(session.rules, by, new))
    else:
        stream = GLOBAL_BOOK if draft.project is None else project_book(clean(draft.project))
        await _in_book(env, stream, lambda rules: commands.rules.add(rules, by, new))
    return new.rule_id


async def revoke_rule(env: Environment, rule_id: str, reason: str = "", session_id: str | None = None) -> Rule:
    """Take the one rule whose id begins so out of force; which it was. Raises NotFound, InvalidInput, StoreError."""
    found = [rule for rule in await list_rules(env, session_id) if rule.rule_id.startswith(rule_id)]
    if not rule_id or not found:
        raise NotFound(
            f"no rule in force begins with {rule_id!r}; `turnlog rules list` shows them (--session ID for a session's)"
        )
    if len(found) > 1:
        raise InvalidInput(f"{rule_id!r} could be any of {', '.join(rule.rule_id for rule in found[:5])}; write more")
    rule, by = found[0], env.stamp()
    if rule.scope == "session" and session_id is not None:
        await command(
            env, session_id, lambda session: commands.rules.revoke(session.rules, by, rule.rule_id, clean(reason))
        )
        return rule
    for stream in [GLOBAL_BOOK, *await env.log.streams(_PROJECT_PREFIX, limit=10_000)]:
        if (await book(env.log, stream)).find(rule.rule_id) is not None:
            await _in_book(env, stream, lambda rules: commands.rules.revoke(rules, by, rule.rule_id, clean(reason)))
    return rule


async def _in_book(env: Environment, stream: str, decision: BookDecision) -> None:
    for attempt in range(env.settings.command_attempts):
        found = await book(env.log, stream)
        try:
            await env.log.append(Change(stream, found.version, tuple(decision(found.rules))))
            return
        except VersionConflict:
            if attempt == env.settings.command_attempts - 1:
                raise
