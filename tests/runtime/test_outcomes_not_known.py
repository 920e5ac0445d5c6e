"""A tool may say that it cannot tell how its call ended: then a person says, and nothing is done twice."""

from collections.abc import Mapping

from pydantic import JsonValue

from turnlog import RuleDraft, every_call
from turnlog.domain import OutcomeUnknown, ToolCallFinished, ToolContext, ToolOutcomeUnknown, ToolOutput, ToolSpec

from .world import ScriptedModel, World, asks, check_log, last_results


class Post:
    """A tool that sends something away, and gets no receipt the first time."""

    spec = ToolSpec(name="post", description="Post.", parameters={"type": "object"})

    def __init__(self) -> None:
        self.sent = 0

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        return "post"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        self.sent += 1
        if self.sent == 1:
            raise OutcomeUnknown("it was sent,\nand no receipt came\ud800")
        return ToolOutput(("receipt",))


async def test_the_call_waits_for_a_person_who_is_told_why(world: World) -> None:
    post = Post()
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await world.session([asks("post"), "Done."], post)
    await session.append_turn("Post it.")
    (unknown,) = await world.all_of(session.id, ToolOutcomeUnknown)
    assert unknown.reason == "it was sent, and no receipt came\ufffd"
    assert (await session.metadata()).status == "suspended"
    assert (post.sent, await world.all_of(session.id, ToolCallFinished)) == (1, [])
    await check_log(world, session.id)


async def test_a_person_may_have_it_done_again(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await memory.session(model, post)
    await session.append_turn("Post it.")
    await session.resume_turn(unknown="retry")
    assert (post.sent, last_results(model)) == (2, ["receipt"])


async def test_a_person_may_say_that_it_was_done(memory: World) -> None:
    post, model = Post(), ScriptedModel([asks("post"), "Done."])
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "post")))
    session = await memory.session(model, post)
    await session.append_turn("Post it.")
    reply = await session.resume_turn(unknown="did", reason="it arrived")
    assert (post.sent, reply.text) == (1, "Done.")
