"""Which rules speak for a session: whatever the order they were made in, the process that asks, and where it forked."""

import asyncio
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import Change, CorruptRecord, RuleBook, SessionConfigured, every_call
from turnlog.projections import ToolUsed
from turnlog.runtime import RuleDraft, SessionHandle, allow
from turnlog.testing import CountingIds

from .conftest import MakeWorld
from .world import ScriptedModel, World, act, asks, last_results

SCOPES = ("process", "session", "project", "global")
EFFECTS = ("allow", "prompt", "deny")
RULES = st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(EFFECTS)), min_size=1, max_size=5)


def draft(world: World, session: SessionHandle, scope: str, effect: Any) -> RuleDraft:
    """A rule for all calls of `act`, in a scope."""
    names: dict[str, dict[str, str]] = {
        "process": {"process": world.turnlog.process},
        "session": {"session_id": session.id},
        "project": {"project": "p"},
        "global": {},
    }
    return RuleDraft(every_call(effect, "act"), **names[scope])  # type: ignore[arg-type]


async def fate(session: SessionHandle) -> str:
    """What becomes of a call of `act` in a new turn."""
    reply = await session.append_turn("Act.")
    if reply.outcome == "suspended":
        return "prompt"
    used = [item for item in await session.replay() if isinstance(item, ToolUsed)]
    return "allow" if used[-1].status == "finished" else "deny"


def expected(effects: set[str]) -> str:
    """Deny beats prompt, prompt beats allow."""
    return next((effect for effect in ("deny", "prompt", "allow") if effect in effects), "prompt")


@settings(max_examples=25)
@given(RULES, st.randoms(use_true_random=False))
def test_the_order_in_which_rules_were_made_makes_no_difference(rules: list[tuple[str, str]], dice: Any) -> None:
    async def verdict(order: list[tuple[str, str]]) -> str:
        world = World("memory:")
        try:
            session = await world.session([asks("act"), "Done."], act, project="p")
            for scope, effect in order:
                await world.turnlog.add_rule(draft(world, session, scope, effect))
            return await fate(session)
        finally:
            await world.close()

    shuffled = list(rules)
    dice.shuffle(shuffled)
    assert asyncio.run(verdict(rules)) == asyncio.run(verdict(shuffled)) == expected({effect for _, effect in rules})


@pytest.mark.parametrize("order", tuple(permutations(EFFECTS)))
async def test_a_process_that_opens_the_session_later_finds_the_same_rules(
    tmp_path: Path, open_world: MakeWorld, order: tuple[str, ...]
) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    ours = open_world(url)
    session = await ours.session(["Hello."], act, project="p")
    for scope, effect in zip(("global", "project", "session"), order, strict=True):
        await ours.turnlog.add_rule(draft(ours, session, scope, effect))
    theirs = open_world(url, worker="there")
    assert await fate(await theirs.again(session.id, [asks("act"), "Done."], act)) == "deny"


@pytest.mark.parametrize(("keep", "verdict"), [(False, "prompt"), (True, "allow")])
async def test_a_fork_has_what_its_parent_was_allowed_only_where_that_is_kept(
    memory: World, keep: bool, verdict: str
) -> None:
    parent = await memory.session([asks("act"), "Done."], act)
    await memory.turnlog.add_rule(draft(memory, parent, "session", "allow"))
    assert await fate(await parent.fork(keep_grants=keep)) == verdict


@pytest.mark.parametrize("keep", [False, True])
async def test_a_fork_is_denied_what_its_parent_was_denied(memory: World, keep: bool) -> None:
    parent = await memory.session([asks("act"), "Done."], act)
    await memory.turnlog.add_rule(draft(memory, parent, "session", "deny"))
    assert await fate(await parent.fork(keep_grants=keep)) == "deny"


async def test_two_sessions_with_the_same_call_ids_never_touch(shared_url: str, open_world: MakeWorld) -> None:
    """Two processes that count their ids alike, on one log: an answer in one session is none in the other."""
    worlds = [open_world(shared_url, worker=f"w{number}") for number in (1, 2)]
    for number, world in enumerate(worlds):
        ids = CountingIds()
        for _ in range(number):
            ids.session()
        object.__setattr__(world.env, "ids", ids)
    sessions = [await world.session([asks("act"), "Done."], act) for world in worlds]
    replies = [await session.append_turn("Act.") for session in sessions]
    assert replies[0].waiting_for == replies[1].waiting_for
    await sessions[0].resolve_permission(replies[0].waiting_for[0], allow(remember="session"))
    assert [(await session.state()).turn.requests[0].state for session in sessions] == [  # type: ignore[union-attr]
        "allowed",
        "pending",
    ]
    assert (await sessions[1].state()).rules == ()


async def test_rules_that_cannot_be_read_deny(memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    script = ScriptedModel([asks("act"), "Done."])
    session = await memory.session(script, act)

    async def damaged(stream: str) -> RuleBook:
        raise CorruptRecord("the rule book is damaged")

    monkeypatch.setattr(memory.env.books, "read", damaged)
    await session.append_turn("Act.")
    assert "nothing runs without them: the rule book is damaged" in last_results(script)[0]


async def test_a_policy_that_cannot_be_read_denies(memory: World) -> None:
    script = ScriptedModel([asks("act"), "Done."])
    session = await memory.session(script, act)
    version = (await session.state()).version
    forged = SessionConfigured(**memory.env.stamp(), policy='{"otherwise": "whatever I like"}')
    await memory.log.append(Change(session.id, version, (forged,)))
    await session.append_turn("Act.")
    assert "nothing runs without them" in last_results(script)[0]
