"""The transcript: what was said and done, in order."""

from turnlog.domain import BlobRef, TextBlock, Usage, commands
from turnlog.projections import ModelSaid, NoticeShown, ToolUsed, TurnEnded, UserSaid, replay

from .story import MODEL, Story


def test_a_turn_with_a_tool_reads_from_the_question_to_the_answer() -> None:
    story = Story()
    turn_id = story.says("Why does it fail?")
    call = story.call()
    story.answers("Let me see.", call, usage=Usage(input_tokens=7))
    story.authorized(call.call_id)
    story.started(call.call_id)
    full = BlobRef(sha256="a" * 64, size=9_000, media_type="text/plain")
    story.finished(call.call_id, full=full)
    story.answers("A typo.")
    story.completed()
    asked, said, used, answered, ended = replay(story.history)
    assert isinstance(asked, UserSaid)
    assert (asked.turn_id, asked.blocks, asked.version) == (turn_id, (TextBlock(text="Why does it fail?"),), 2)
    assert isinstance(said, ModelSaid)
    assert (said.round, said.model, said.usage.input_tokens, said.blocks[1]) == (1, MODEL, 7, call)
    assert isinstance(used, ToolUsed)
    assert (used.tool, used.arguments, used.status, used.is_error) == ("shell", call.arguments, "failed", True)
    assert (used.version, used.changed, used.full, used.attempt) == (said.version, 8, full, 1)
    assert used.started_at is not None
    assert used.finished_at is not None
    assert used.started_at < used.finished_at
    assert isinstance(answered, ModelSaid)
    assert isinstance(ended, TurnEnded)
    assert ended.outcome == "completed"


def test_calls_keep_their_order_whichever_ends_first() -> None:
    story = Story()
    story.says("Look")
    first, second = story.call(), story.call("read")
    story.answers(first, second)
    story.authorized(second.call_id)
    story.started(second.call_id)
    story.finished(second.call_id, status=0)
    calls = [(item.call_id, item.status) for item in replay(story.history) if isinstance(item, ToolUsed)]
    assert calls == [(first.call_id, "proposed"), (second.call_id, "finished")]


def test_a_turn_ends_as_often_as_it_stops() -> None:
    story = Story()
    story.says("Run it")
    call = story.call()
    story.answers(call)
    story.asks(call.call_id)
    story.suspended()
    story.resumed()
    story.failed()
    story.resumed()
    story.cancelled("enough")
    ends = [(item.outcome, item.code, item.message) for item in replay(story.history) if isinstance(item, TurnEnded)]
    assert ends == [
        ("suspended", "permission", ""),
        ("failed", "model", "the provider is down"),
        ("cancelled", "", "enough"),
    ]


def test_a_fork_ends_the_turn_it_was_made_in() -> None:
    story = Story()
    turn_id = story.says("Run it")
    call = story.call()
    story.answers(call)
    story.fork()
    used, ended = replay(story.history)[-2:]
    assert isinstance(used, ToolUsed)
    assert used.status == "forked"
    assert isinstance(ended, TurnEnded)
    assert (ended.turn_id, ended.outcome, ended.stream) == (turn_id, "forked", "s2")


def test_an_ended_turn_is_not_ended_again_by_a_fork() -> None:
    story = Story()
    story.says("Hello")
    story.answers("Hi")
    story.completed()
    before = replay(story.history)
    story.fork()
    assert replay(story.history) == before


def test_a_notice_is_shown() -> None:
    story = Story()
    story.do(lambda session: commands.sessions.notice(session, story.by, "the disk is nearly full"))
    (notice,) = replay(story.history)
    assert isinstance(notice, NoticeShown)
    assert (notice.severity, notice.message) == ("warning", "the disk is nearly full")
