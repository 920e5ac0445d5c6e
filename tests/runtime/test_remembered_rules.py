"""Rules: made by an answer or by hand, seen by those they are for, in force from the next decision on."""

from datetime import timedelta

import pytest

from turnlog.domain import NotFound, PermissionRequested, Rule, Scope, ToolCallAuthorized, ToolCallDenied, every_call
from turnlog.runtime import RuleDraft, SessionHandle, allow, deny

from .world import Script, ScriptedModel, World, asks, last_results, tool

TWICE: Script = [asks("send"), "Done.", asks("send"), "Done again."]
OTHER = asks(("send", {"to": "others"}))


@tool
def send(to: str = "bo") -> str:
    """Send it."""
    return f"sent to {to}"


@tool(effect="pure")
def look() -> str:
    """Look."""
    return "seen"


async def remembered(world: World, scope: Scope, project: str | None = None) -> SessionHandle:
    """A session in which a person has said yes, to be remembered."""
    session = await world.session(TWICE, send, project=project)
    waiting = await session.append_turn("Send it.")
    await session.resolve_permission(waiting.waiting_for[0], allow("fine", remember=scope))
    await session.resume_turn()
    return session


async def sends_without_asking(world: World, project: str | None = None) -> bool:
    """Whether a new session may send without asking."""
    session = await world.session(TWICE, send, project=project)
    return (await session.append_turn("Send it.")).outcome == "answered"


@pytest.mark.parametrize("scope", ["session", "project", "global"])
async def test_what_is_remembered_is_not_asked_again(world: World, scope: Scope) -> None:
    session = await remembered(world, scope, "p")
    assert (await session.append_turn("And again.")).text == "Done again."
    assert len(await world.all_of(session.id, PermissionRequested)) == 1


async def test_a_call_allowed_by_a_rule_names_the_rule(world: World) -> None:
    session = await remembered(world, "session")
    await session.append_turn("And again.")
    (rule,) = await session.remembered_rules()
    assert [(e.by, e.source) for e in await world.all_of(session.id, ToolCallAuthorized)][1] == ("rule", rule.rule_id)


@pytest.mark.parametrize(
    ("scope", "project", "seen"),
    [
        ("session", "p", False),
        ("project", "p", True),
        ("project", "q", False),
        ("project", None, False),
        ("global", "p", True),
        ("global", "q", True),
        ("global", None, True),
    ],
)
async def test_a_rule_is_seen_by_the_sessions_it_is_for(
    world: World, scope: Scope, project: str | None, seen: bool
) -> None:
    await remembered(world, scope, "p")
    assert await sends_without_asking(world, project) is seen


async def test_a_rule_of_a_session_is_there_when_the_session_is_opened_again(world: World) -> None:
    session = await remembered(world, "session")
    again = await world.again(session.id, TWICE, send)
    assert (await again.append_turn("And again.")).text == "Done again."


async def test_a_remembered_answer_is_for_the_exact_call(world: World) -> None:
    script = ScriptedModel([asks("send"), OTHER, "Done."])
    session = await world.session(script, send)
    waiting = await session.append_turn("Send it.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    assert (await session.resume_turn()).outcome == "suspended"


async def test_a_remembered_refusal_refuses_with_its_reason(world: World) -> None:
    script = ScriptedModel([asks("send"), "Pity.", asks("send"), "Pity again."])
    session = await world.session(script, send)
    waiting = await session.append_turn("Send it.")
    await session.resolve_permission(waiting.waiting_for[0], deny("never bo", remember="global"))
    await session.resume_turn()
    await session.append_turn("Try again.")
    assert "never bo" in last_results(script)[0]


async def test_a_rule_added_by_hand_is_in_force_from_the_next_call_on(world: World) -> None:
    session = await world.session([asks("send"), "Done."], send)
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "send")))
    assert (await session.append_turn("Send it.")).outcome == "answered"


async def test_a_revoked_rule_is_out_of_force_from_the_next_call_on(world: World) -> None:
    rule_id = await world.turnlog.add_rule(RuleDraft(every_call("allow", "send")))
    await world.turnlog.revoke_rule(rule_id, "no longer")
    assert not await sends_without_asking(world)


async def test_a_revoked_rule_of_a_session_is_asked_about_again(world: World) -> None:
    session = await remembered(world, "session")
    (rule,) = await session.remembered_rules()
    await world.turnlog.revoke_rule(rule.rule_id, session_id=session.id)
    assert (await session.append_turn("And again.")).outcome == "suspended"


async def test_a_revoked_rule_of_a_project_is_gone_for_all_its_sessions(world: World) -> None:
    session = await remembered(world, "project", "p")
    (rule,) = await session.remembered_rules()
    await world.turnlog.revoke_rule(rule.rule_id)
    assert not await sends_without_asking(world, "p")


async def test_a_rule_made_in_the_middle_of_a_turn_is_in_force_at_once(world: World) -> None:
    @tool(effect="pure")
    async def permit() -> str:
        """Let a person allow it meanwhile."""
        await world.turnlog.add_rule(RuleDraft(every_call("allow", "send")))
        return "permitted"

    session = await world.session([asks("permit"), asks("send"), "Done."], permit, send)
    assert (await session.append_turn("Go.")).text == "Done."


async def test_a_rule_that_expired_is_out_of_force(world: World) -> None:
    until = world.clock.now() + timedelta(hours=1)
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "send"), expires_at=until))
    world.clock.advance(3600)
    assert not await sends_without_asking(world)


@pytest.mark.parametrize("deny_first", [True, False])
async def test_a_denial_wins_whatever_the_order_and_the_scope(world: World, deny_first: bool) -> None:
    session = await world.session([asks("send"), "Done."], send)
    rules = [RuleDraft(every_call("deny", "send")), RuleDraft(every_call("allow", "send"), session_id=session.id)]
    for rule in rules if deny_first else reversed(rules):
        await world.turnlog.add_rule(rule)
    await session.append_turn("Send it.")
    assert [event.by for event in await world.all_of(session.id, ToolCallDenied)] == ["rule"]


async def test_a_denial_is_final_even_for_a_tool_that_only_reads(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "look", "not here")))
    script = ScriptedModel([asks("look"), "Done."])
    session = await world.session(script, look)
    await session.append_turn("Look.")
    assert last_results(script) == ["denied by a remembered rule: not here (asking again will not change it)"]


async def test_rules_are_listed_with_who_made_them(world: World) -> None:
    session = await remembered(world, "session")
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "look"), project="p"))
    await world.turnlog.add_rule(RuleDraft(every_call("deny", "look")))
    found: list[Rule] = await world.turnlog.rules(session.id)
    assert sorted((rule.scope, rule.effect, str(rule.made_by)) for rule in found) == [
        ("global", "deny", "user:ada"),
        ("project", "allow", "user:ada"),
        ("session", "allow", "user:ada"),
    ]


async def test_revoking_what_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        await world.turnlog.revoke_rule("rule_none")
