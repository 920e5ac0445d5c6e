"""Whatever is said, delivered and interrupted in whichever order: each message is read once, in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import LEAD, Change, MessagesDelivered, mailbox_stream
from turnlog.runtime.teams import mailing
from turnlog.runtime.workers.pool import PoolSettings

from .cast import Cast, said_in
from .world import QUICK, Crash, World, check_log

SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.0, retry_seconds=0.0)
NAMES = (LEAD, "ada", "bob")
Moment = Literal["before", "after"]


@dataclass
class Crashes:
    """Ends whoever appends, so many appends after the last end, before the append or after it."""

    left: list[tuple[int, Moment]]
    seen: int = field(default=0)

    def at(self, moment: Moment) -> Callable[[tuple[Change, ...]], None]:
        def meet(changes: tuple[Change, ...]) -> None:
            self.seen += moment == "before"
            if self.left and self.seen >= self.left[0][0] and self.left[0][1] == moment:
                self.left.pop(0)
                self.seen = 0
                raise Crash

        return meet


async def until_done(effort: Callable[[], Awaitable[object]]) -> None:
    """Do it again for as long as it is broken off."""
    while True:
        try:
            await effort()
        except Crash:
            continue
        except BaseExceptionGroup as group:
            if group.subgroup(Crash) is None:
                raise
            continue
        return


Said = tuple[str, str]
Life = Sequence[Said | Literal["run"]]
SAYINGS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1])
LIVES = st.lists(st.one_of(SAYINGS, st.just("run")), max_size=10)
ENDS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(("before", "after"))), max_size=6)


@settings(max_examples=60, deadline=None)
@given(LIVES, ENDS)
def test_each_message_is_read_once_and_in_order(life: Life, ends: list[tuple[int, Moment]]) -> None:
    asyncio.run(live(life, ends))


async def live(life: Life, ends: list[tuple[int, Moment]]) -> None:
    world = World("memory:", settings=replace(QUICK, most_takeovers=1_000))
    try:
        await _live(world, life, Crashes(list(ends)))
    finally:
        await world.close()


async def _live(world: World, life: Life, crashes: Crashes) -> None:
    cast = Cast({name: ["Hm."] * 60 for name in NAMES})
    lead = await world.turnlog.create_session("The lead", model=cast, tools=["team_send"])
    sessions = {LEAD: lead.id}
    for name in NAMES[1:]:
        sessions[name] = await lead.team_spawn(name, "Begin.")
    world.log.before, world.log.after = crashes.at("before"), crashes.at("after")

    async def run() -> None:
        await world.turnlog.work(models=[cast], until_idle=True, settings=SOON)

    for number, step in enumerate(life):
        if step == "run":
            await until_done(run)
        else:
            sender, to = step
            await until_done(partial(_say, world, sessions[sender], to, number))
    crashes.left.clear()
    await run()
    await lead.append_turn("And?")
    for name in NAMES:
        sent = [(by, number) for number, (by, to) in _sayings(life) if to == name]
        await _check(world, cast, sessions[name], name, sent)


async def _say(world: World, session_id: str, to: str, number: int) -> None:
    await mailing.send(world.env, mailing.Sender(session_id, f"message_{number}", ""), to, f"say {number}")


def _sayings(life: Life) -> list[tuple[int, Said]]:
    return [(number, step) for number, step in enumerate(life) if step != "run"]


async def _check(world: World, cast: Cast, session_id: str, name: str, sent: list[tuple[str, int]]) -> None:
    delivered = [each for event in await world.all_of(session_id, MessagesDelivered) for each in event.message_ids]
    assert delivered == [f"message_{number}" for _, number in sent]
    seen = "\n\n".join(said_in(cast.seen[name][-1].messages))
    read = [part for part in seen.split("\n\n") if part.startswith("[Message")]
    assert read == [f"[Message from {by}]\nsay {number}" for by, number in sent]
    mailbox = await world.env.mailboxes.read(mailbox_stream(session_id))
    assert len(mailbox.mail) == mailbox.version == len(sent)
    await check_log(world, session_id)
