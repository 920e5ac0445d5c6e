"""Whatever was asked for, a rerun with a model that answers the same has every result from the record."""

import asyncio
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnlog.domain import ToolCallFinished, ToolCallStarted
from turnlog.projections import conversation_problems

from .test_rerunning import RAN, recorded, rerun, said
from .world import ScriptedReply, World, asks

CALLS = st.tuples(st.sampled_from(("look", "act")), st.sampled_from(("a", "b", "nothing", "long", None))).map(
    lambda call: (call[0], {} if call[1] is None else {"at" if call[0] == "look" else "what": call[1]})
)
TURNS = st.lists(st.lists(st.lists(CALLS, min_size=1, max_size=3), max_size=3), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=(HealthCheck.too_slow,))
@given(TURNS, st.booleans(), st.data())
def test_the_same_answers_find_every_result_and_lead_to_the_same_conversation(
    turns: list[list[list[tuple[str, dict[str, str | None]]]]], only: bool, data: st.DataObject
) -> None:
    script: list[ScriptedReply | str] = []
    for rounds in turns:
        script += [*(asks(*calls) for calls in rounds), "done"]

    async def story() -> None:
        world = World("memory:")
        session = await recorded(world, script, *(f"prompt {number}" for number, _ in enumerate(turns)))
        kinds = await world.kinds(session.id)
        starts = [version for version, kind in enumerate(kinds, 1) if kind == "TurnStarted"]
        at = data.draw(st.sampled_from([1, *starts]))
        found = await rerun(world, f"{session.id}@{at}", script, recorded_only=only)
        assert RAN == []
        assert (found.ran, found.unused) == (0, 0)
        own = await world.all_of(found.session.id, ToolCallStarted)
        theirs = [event for event in (await world.events(session.id))[at:] if isinstance(event, ToolCallFinished)]
        assert len(own) == found.reused == len(theirs)
        assert len({event.reused for event in own}) == len(own)
        assert conversation_problems(await found.session.history()) == []
        assert _without_ids(await said(found.session)) == _without_ids(await said(session))
        await world.close()

    asyncio.run(story())


def _without_ids(conversation: list[object]) -> list[str]:
    """The notice of a result that was cut names its call, which is another one."""
    return [re.sub(r"call_[0-9a-f]{32}", "call", repr(message)) for message in conversation]
