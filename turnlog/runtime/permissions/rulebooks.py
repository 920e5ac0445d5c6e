"""Rules made and unmade by hand, in the books they belong to, and the rules there were at some moment."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from turnlog.domain import (
    GLOBAL_BOOK,
    Change,
    Event,
    InvalidInput,
    NotFound,
    PermissionRule,
    Recorded,
    Rule,
    RuleBook,
    Scope,
    Session,
    clean,
    commands,
    fold,
    process_book,
    project_book,
)

from ..again import again
from ..books import BOOKS_OF_PROJECTS, folded
from ..environment import Environment
from ..histories import history, load
from ..writing import command

BookDecision = Callable[[tuple[Rule, ...]], Sequence[Event]]

_MOST_BOOKS = 10_000


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule to be added: for a session, a project, a process, or everybody where none of them is named.

    `process` is the name its workers have. It counts until `expires_at`, and for so many `uses`.
    """

    rule: PermissionRule
    session_id: str | None = None
    project: str | None = None
    process: str | None = None
    expires_at: datetime | None = None
    uses: int | None = None

    @property
    def scope(self) -> Scope:
        """Where it holds. Raises InvalidInput where more than one is named."""
        scopes: list[Scope] = []
        if self.session_id is not None:
            scopes.append("session")
        if self.project is not None:
            scopes.append("project")
        if self.process is not None:
            scopes.append("process")
        if len(scopes) > 1:
            raise InvalidInput(f"a rule holds in one scope, not in {' and '.join(scopes)}")
        return scopes[0] if scopes else "global"


async def list_rules(
    env: Environment, session_id: str | None = None, at: int | datetime | None = None, project: str | None = None
) -> list[Rule]:
    """All rules of books (of projects only the one that is named), and those of a session.

    Now, or as they were at a version of the session or at a time.

    Raises NotFound, InvalidInput, StoreError.
    """
    moment, own = await _own_rules(env, session_id, at)
    rules = [rule for stream in await _books(env, project) for rule in (await _book(env, stream, moment)).rules]
    return [*rules, *own]


async def _own_rules(
    env: Environment, session_id: str | None, at: int | datetime | None
) -> tuple[datetime | None, tuple[Rule, ...]]:
    """The moment that is meant (None: now), and the rules the session kept then."""
    if session_id is None:
        if isinstance(at, int):
            raise InvalidInput(f"version {at} of what? name the session, or give a time")
        return at, ()
    if at is None:
        return None, (await load(env, session_id)).rules
    records = await history(env.log, session_id, at if isinstance(at, int) else None)
    moment = at if isinstance(at, datetime) else records[-1].event.at
    seen = [record for record in records if record.event.at <= moment] if isinstance(at, datetime) else records
    return moment, fold(Session(session_id), seen).rules


async def _books(env: Environment, project: str | None = None) -> list[str]:
    everybody = [GLOBAL_BOOK, process_book(env.worker)]
    if project is not None:
        return [*everybody, project_book(project)]
    return [*everybody, *await env.log.streams(BOOKS_OF_PROJECTS, limit=_MOST_BOOKS)]


async def _book(env: Environment, stream: str, moment: datetime | None) -> RuleBook:
    if moment is None:
        return await env.books.read(stream)
    records: Sequence[Recorded] = await env.log.read(stream)
    return folded(RuleBook(), [record for record in records if record.event.at <= moment])


async def add_rule(env: Environment, draft: RuleDraft) -> str:
    """Add a rule, once its examples are right; its id. Raises InvalidInput, NotFound, StoreError."""
    rule = draft.rule.model_copy(update={"tool": clean(draft.rule.tool), "reason": clean(draft.rule.reason)})
    faults = await asyncio.to_thread(env.permissions.faults, rule, Path())
    if faults:
        raise InvalidInput(f"the rule was not added: {'; '.join(faults)}")
    new = commands.rules.NewRule(env.ids.new("rule"), draft.scope, rule, draft.expires_at, draft.uses, draft.process)
    by = env.stamp()
    if draft.session_id is not None:
        await command(env, draft.session_id, lambda session: commands.rules.add(session.rules, by, new))
    else:
        await _in_book(env, _stream(draft), lambda rules: commands.rules.add(rules, by, new))
    return new.rule_id


def _stream(draft: RuleDraft) -> str:
    if draft.process is not None:
        return process_book(draft.process)
    return GLOBAL_BOOK if draft.project is None else project_book(clean(draft.project))


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
    process = env.worker if rule.scope == "process" else None
    for stream in await _books(env):
        if (await env.books.read(stream)).find(rule.rule_id) is not None:
            await _in_book(
                env, stream, lambda rules: commands.rules.revoke(rules, by, rule.rule_id, clean(reason), process)
            )
    return rule


async def _in_book(env: Environment, stream: str, decision: BookDecision) -> None:
    async def attempt() -> None:
        found = await env.books.read(stream)
        await env.log.append(Change(stream, found.version, tuple(decision(found.rules))))

    await again(env.settings.command_attempts, attempt)
