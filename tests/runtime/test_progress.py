"""What a tool shows while it runs: in order, from any thread, no more than anybody could read, never stored."""

import asyncio
from threading import Thread

from turnlog.domain import Bounds, Policy, Recorded, ToolCallFinished, ToolCallStarted, ToolContext, ToolProgress
from turnlog.runtime import LiveProgress, SessionHandle
from turnlog.runtime.turns.progress import Reporter, Throttle
from turnlog.runtime.turns.redacting import Redactor

from .world import ScriptedModel, World, asks, tool

NOTHING = Redactor({})


def note(text: str) -> ToolProgress:
    return ToolProgress(text)


def out(text: str) -> ToolProgress:
    return ToolProgress(text, "stdout")


# No more than so much a second


def test_what_fits_passes_at_once_and_in_order() -> None:
    throttle = Throttle(0, per_second=10)
    throttle.put(note("ab"))
    throttle.put(out("c"))
    assert throttle.take(0) == [note("ab"), out("c")]
    assert throttle.is_empty


def test_pieces_of_one_stream_become_one() -> None:
    throttle = Throttle(0, per_second=10)
    for piece in (out("a"), out("b"), note("c"), out("d")):
        throttle.put(piece)
    assert throttle.take(0) == [out("ab"), note("c"), out("d")]


def test_what_does_not_fit_waits_for_its_time() -> None:
    throttle = Throttle(0, per_second=10)
    throttle.put(note("12345678"))
    assert throttle.take(0) == [note("12345678")]
    throttle.put(note("abcd"))
    assert throttle.take(0.1) == []
    assert throttle.take(0.2) == [note("abcd")]


def test_of_too_much_the_oldest_is_left_out_and_that_is_said() -> None:
    throttle = Throttle(0, per_second=10)
    for text in ("12345", "67890", "abcde"):
        throttle.put(out(text))
    assert throttle.take(0) == [note("[5 characters left out]\n"), out("67890abcde")]
    assert throttle.take(9) == []


def test_of_a_piece_too_long_the_end_is_kept() -> None:
    throttle = Throttle(0, per_second=10)
    throttle.put(out("x" * 990 + "1234567890"))
    assert throttle.take(0) == [note("[990 characters left out]\n"), out("1234567890")]


def test_who_was_quiet_may_not_say_more_at_once() -> None:
    throttle = Throttle(0, per_second=10)
    throttle.put(out("1" * 10))
    throttle.take(100)
    throttle.put(out("2"))
    assert throttle.take(100) == []


# From any thread


async def test_what_threads_report_is_told_on_the_loop() -> None:
    told: list[tuple[str, bool]] = []
    loop = asyncio.get_running_loop()

    def tell(piece: ToolProgress) -> None:
        told.append((piece.text, asyncio.get_running_loop() is loop))

    def report() -> None:
        for number in range(500):
            reporter(note(f"{number},"))

    reporter = Reporter(tell, NOTHING)
    thread = Thread(target=report)
    thread.start()
    await asyncio.to_thread(thread.join)
    reporter.end()
    assert "".join(text for text, _ in told) == "".join(f"{number}," for number in range(500))
    assert all(on_loop for _, on_loop in told)


async def test_after_the_end_nothing_is_told() -> None:
    told: list[ToolProgress] = []
    reporter = Reporter(told.append, NOTHING)
    reporter.end()
    reporter(note("late"))
    await asyncio.sleep(0)
    assert told == []


def test_a_thread_that_outlives_the_loop_is_in_nobodys_way() -> None:
    async def make() -> Reporter:
        return Reporter(lambda piece: None, NOTHING)

    asyncio.run(make())(note("hello?"))


async def test_a_secret_in_two_pieces_is_not_shown() -> None:
    told: list[ToolProgress] = []
    reporter = Reporter(told.append, Redactor({"KEY": "abcdefghij"}))
    for piece in (out("is abcde"), note("between"), out("fghij!")):
        reporter(piece)
    reporter.end()
    assert told == [out("is "), note("between"), out("[secret KEY]!")]


# In a turn


@tool
async def works(context: ToolContext) -> str:
    """Work."""
    context.progress(out("half\n"))
    context.progress(out("whole\n"))
    return "worked"


async def watched(session: SessionHandle) -> list[object]:
    """What a reader sees of a turn up to the end of the call."""
    seen: list[object] = []
    async for item in session.subscribe():
        seen.append(item)
        if isinstance(item, Recorded) and isinstance(item.event, ToolCallFinished):
            break
    return seen


async def test_a_reader_sees_it_between_the_beginning_of_the_call_and_its_end(memory: World) -> None:
    policy = Policy(otherwise="allow", bounds=Bounds(commands=True))
    session = await memory.session(ScriptedModel([asks("works"), "Done."]), works, policy=policy)
    reading = asyncio.create_task(watched(session))
    await asyncio.sleep(0)
    await session.append_turn("Go.")
    seen = await reading
    shown = [item for item in seen if isinstance(item, LiveProgress)]
    started = next(item for item in seen if isinstance(item, Recorded) and isinstance(item.event, ToolCallStarted))
    assert "".join(piece.progress.text for piece in shown) == "half\nwhole\n"
    assert seen.index(started) < seen.index(shown[0])
    assert shown[0].version == started.version
