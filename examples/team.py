"""A lead and two teammates, who work beside it and write to each other. Needs no network."""

import asyncio
from collections.abc import AsyncGenerator

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Turnlog
from turnlog.domain import ModelDelta, ModelReply, ModelRequest


def call(name: str, **arguments: str) -> ScriptedReply:
    return ScriptedReply(calls=(ScriptedCall(name=f"team_{name}", arguments=dict(arguments)),))


SCRIPTS = {
    "ada": ScriptedModel([call("send", to="bob", text="Is the clock yours?"), "Asked."]),
    "bob": ScriptedModel(["Ready.", call("send", to="lead", text="The clock is an hour off."), "Told."]),
    "lead": ScriptedModel(["It was the clock."]),
}


class Agents:
    """Stands for a model: what each agent says is written down, and it is known by its system prompt."""

    name = "scripted:agents"

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        name = next((each for each in SCRIPTS if f"You are {each}," in (request.system or "")), "lead")
        async for item in SCRIPTS[name].respond(request):
            yield item


async def main() -> None:
    agents = Agents()
    async with Turnlog.open("memory:") as log:
        lead = await log.create_session("Why do the tests fail?", model=agents)
        await lead.team_spawn("bob", "Wait until somebody asks you.", role="knows the clock")
        await log.work(models=[agents], until_idle=True)
        await lead.team_spawn("ada", "Find out why the tests fail; bob may know.")
        # A service has `turnlog worker` do this, in as many processes as you like.
        await log.work(models=[agents], until_idle=True)
        for mate in await lead.list_teammates():
            print(f"{mate.name}: {mate.status}")
        for message in await lead.team_inbox():
            print(f"{message.sender}: {message.text}")
        print((await lead.append_turn("And?")).text)  # the model is told what bob wrote with this request
        for mate in await lead.list_teammates():
            await lead.team_shutdown(mate.name, "we know it")
        print(", ".join(f"{mate.name} has {mate.status}" for mate in await lead.list_teammates()))


if __name__ == "__main__":
    asyncio.run(main())
