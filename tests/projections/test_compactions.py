"""What a summary stands for is left out for the model, and comes back whole when the compaction is undone."""

from hypothesis import HealthCheck, given, settings

from turnlog.domain import (
    CompactionCompleted,
    CompactionStarted,
    CompactionUndone,
    Event,
    Place,
    Recorded,
    Replaced,
    Usage,
)
from turnlog.projections import HEADING, TRANSCRIPT, Transcript, cut_for, elidable, length_of, messages, project

from .random_stories import stories
from .story import MODEL, Story

unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=60)


def appended(story: Story, transcript: Transcript, *events: Event) -> Transcript:
    version = story.session.version
    for place, event in enumerate(events, start=version + 1):
        transcript = TRANSCRIPT.fold(transcript, Recorded(story.session.id, place, event))
    return transcript


def compaction(story: Story, transcript: Transcript, items: int, keeps: tuple[Place, ...] = ()) -> tuple[Event, ...]:
    first, last = transcript.items[0], transcript.items[items - 1]
    by = story.by
    return (
        CompactionStarted(
            **by,
            epoch=1,
            trigger="request",
            attempt=1,
            model=MODEL,
            digest="digest",
            replaces=Replaced(
                first=Place(stream=first.stream, version=first.version),
                last=Place(stream=last.stream, version=last.version),
                messages=1,
                digest="digest",
            ),
            room=1000,
            keeps=keeps,
        ),
        CompactionCompleted(**by, model=MODEL, summary="They spoke."),
    )


def told(transcript: Transcript) -> str:
    return "\n".join(message.model_dump_json() for message in messages(transcript))


@unhurried
@given(stories())
def test_undoing_a_compaction_restores_what_the_model_saw(story: Story) -> None:
    transcript = project(TRANSCRIPT, story.history)
    cut = cut_for(transcript, 0.25)
    if cut is None:
        return
    before = messages(transcript)
    events = compaction(story, transcript, cut.items, cut.keeps)
    transcript = appended(story, transcript, *events)
    assert HEADING in told(transcript)
    transcript = TRANSCRIPT.fold(
        transcript,
        Recorded(story.session.id, 10**6, CompactionUndone(**story.by, completed=story.session.version + len(events))),
    )
    assert messages(transcript) == before


@unhurried
@given(stories())
def test_a_cut_leaves_every_call_with_its_result_and_what_is_fresh(story: Story) -> None:
    transcript = project(TRANSCRIPT, story.history)
    cut = cut_for(transcript, 0.25)
    if cut is None:
        return
    before, after = transcript.items[cut.items - 1], transcript.items[cut.items : cut.items + 1]
    assert not after or (after[0].stream, after[0].version) != (before.stream, before.version)
    assert all(transcript.places[call_id] >= cut.items for call_id in transcript.unsettled)


def talk(story: Story, turns: int) -> None:
    for number in range(turns):
        story.says(f"question {number} " + "x" * 400)
        story.answers(f"answer {number} " + "y" * 400, usage=Usage(input_tokens=1000 * (number + 1), output_tokens=100))
        story.completed()


def test_the_length_is_what_the_model_counted_last_and_what_came_since() -> None:
    story = Story()
    talk(story, 2)
    story.says("z" * 4000)
    found = length_of(project(TRANSCRIPT, story.history))
    assert found.measured
    assert found.tokens == 2000 + 100 + 1001


def test_a_count_from_before_the_view_changed_says_nothing() -> None:
    story = Story()
    talk(story, 4)
    transcript = project(TRANSCRIPT, story.history)
    cut = cut_for(transcript, 0.25)
    assert cut is not None
    transcript = appended(story, transcript, *compaction(story, transcript, cut.items))
    found = length_of(transcript)
    assert not found.measured
    assert found.tokens < 1000


def test_a_quarter_stays_word_for_word() -> None:
    story = Story()
    talk(story, 8)
    transcript = project(TRANSCRIPT, story.history)
    cut = cut_for(transcript, 0.25)
    assert cut is not None
    transcript = appended(story, transcript, *compaction(story, transcript, cut.items, cut.keeps))
    assert "answer 7" in told(transcript)
    assert "answer 6" in told(transcript)
    assert "answer 3" not in told(transcript)


def test_nothing_is_cut_where_no_model_has_answered() -> None:
    story = Story()
    story.says("hello")
    assert cut_for(project(TRANSCRIPT, story.history), 0.25) is None


def test_results_that_no_model_has_seen_are_not_elided() -> None:
    story = Story()
    talk(story, 1)
    assert elidable(project(TRANSCRIPT, story.history), 0.25) == ()
