"""Whatever is done to sessions that work for each other, and write to each other, everything adds up."""

from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, given, settings

from turnlog.domain import (
    LEAD,
    MessagesDelivered,
    MessageSent,
    Session,
    SessionStarted,
    Spent,
    SubagentFinished,
    SubagentSpawned,
    TeammateJoined,
    TurnStarted,
    evolve,
    mailbox_stream,
)
from turnlog.projections import (
    SESSIONS,
    TRANSCRIPT,
    UsageSum,
    children_of,
    conversation_problems,
    messages,
    of_sessions,
    project,
    subtree,
    summed,
    usage_rows,
)

from .random_stories import families
from .story import Story

unhurried = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def state_of(story: Story, session_id: str) -> Session:
    session = Session(session_id)
    for recorded in story.histories[session_id]:
        session = evolve(session, recorded.event)
    return session


def spent_by(story: Story, session_id: str) -> Spent:
    """What a session has used with all that work for it, as limits see it: its own log, and those of who is at work."""
    session = state_of(story, session_id)
    return sum((spent_by(story, each) for each in session.at_work), session.spent)


@unhurried
@given(families())
def test_every_prefix_of_every_session_is_a_conversation(story: Story) -> None:
    for history in story.histories.values():
        transcript = TRANSCRIPT.initial()
        for recorded in history:
            transcript = TRANSCRIPT.fold(transcript, recorded)
            assert conversation_problems(messages(transcript)) == []


@unhurried
@given(families())
def test_the_usage_of_a_tree_is_the_sum_of_its_parts(story: Story) -> None:
    rows, children = usage_rows(story.log), children_of(project(SESSIONS, story.log).values())
    for root in story.histories:
        tree = subtree(root, children)
        whole, parts = summed(of_sessions(rows, tree))[0], [summed(of_sessions(rows, [each]))[0] for each in tree]
        assert len(tree) == len(set(tree))
        assert whole.responses == sum(part.responses for part in parts)
        assert tokens_of(whole) == sum(tokens_of(part) for part in parts)
        assert whole.cost.amount == sum((part.cost.amount for part in parts), Decimal(0))


@unhurried
@given(families())
def test_what_limits_count_for_a_tree_is_what_the_answers_in_it_took(story: Story) -> None:
    """Subagents that are done and those at work, and teammates; a fork is nobody's work."""
    rows, began = usage_rows(story.log), [each for each in story.log if isinstance(each.event, SessionStarted)]
    sessions = project(SESSIONS, [each for each in story.log if each.stream in {one.stream for one in began}])
    children = children_of(sessions.values())
    for root in (each.stream for each in began):
        (took,) = summed(of_sessions(rows, subtree(root, children)))
        spent = spent_by(story, root)
        assert (spent.tokens, spent.cost) == (tokens_of(took), took.cost.amount)


@unhurried
@given(families())
def test_whoever_works_for_a_session_is_listed_under_it(story: Story) -> None:
    listed = project(SESSIONS, story.log)
    for each in story.log:
        match each.event:
            case SubagentSpawned(child=child) | TeammateJoined(session=child):
                assert listed[child].spawned_by == each.stream
            case _:
                pass


@unhurried
@given(families())
def test_a_subagent_is_done_once_and_takes_no_turn_after_that(story: Story) -> None:
    done: set[str] = set()
    for each in story.log:
        if isinstance(each.event, SubagentFinished):
            assert each.event.child not in done
            done.add(each.event.child)
        assert not (isinstance(each.event, TurnStarted) and each.stream in done)


@unhurried
@given(families())
def test_a_message_is_in_a_mailbox_once_and_read_once_in_its_order(story: Story) -> None:
    for session_id in story.histories:
        box = [each.event for each in story.log if each.stream == mailbox_stream(session_id)]
        sent = [event.message_id for event in box if isinstance(event, MessageSent)]
        own = [each.event for each in story.log if each.stream == session_id]
        read = [each for event in own if isinstance(event, MessagesDelivered) for each in event.message_ids]
        assert len(sent) == len(set(sent))
        assert read == sent[: len(read)]


@unhurried
@given(families())
def test_a_name_belongs_to_one_teammate_at_a_time(story: Story) -> None:
    for session_id in story.histories:
        names = Counter(member.name for member in state_of(story, session_id).present)
        assert LEAD not in names
        assert [name for name, number in names.items() if number > 1] == []


def tokens_of(each: UsageSum) -> int:
    return each.usage.input_tokens + each.usage.output_tokens
