"""Random stories: mostly the next sensible step, often something that has no business there."""

from collections.abc import Mapping

from hypothesis import strategies as st

from turnlog.domain import (
    AskModel,
    AwaitPerson,
    Compact,
    Deliver,
    Finish,
    Judge,
    Notify,
    Receive,
    Recover,
    Repair,
    Run,
    Session,
    Step,
    Stop,
    Turn,
    next_step,
)

from .actions import (
    ANYTHING,
    authorize,
    complete,
    deliver,
    deny,
    finish,
    fork,
    lose,
    model_fails,
    nothing,
    repair,
    request,
    resolve,
    respond,
    resume,
    start_call,
    start_turn,
    suspend,
    take,
)
from .background_actions import begin_task, end_task, tell_of_tasks
from .context_actions import begin_compaction, end_compaction
from .dice import Action
from .family_actions import ABOUT_FAMILIES, go_to_a_relative, join, receive, report, spawn, write
from .permission_actions import answer, ask, ask_or_join, expire, outdate
from .story import Story


def go_on(story: Story, dice: int) -> None:
    """The next sensible step."""
    session = story.session
    if _concerns_relatives(session, dice):
        (go_to_a_relative if session.closed or _state(session) == "open" else report)(story, dice)
    elif session.closed:
        fork(story, dice)
    elif session.turn is None or session.turn.state == "completed":
        start_turn(story, dice)
    elif session.turn.state == "suspended":
        (answer, resolve, resume)[dice % 3](story, dice)
    elif session.turn.state != "open":
        (start_turn, resume, resolve)[dice % 3](story, dice)
    elif session.lease is None:
        take(story, dice)
    elif session.context.under_way is not None and dice % 5:
        end_compaction(story, dice)
    elif session.background.running and dice % 4 == 0:
        end_task(story, dice)
    else:
        _work(story, session.turn, dice)


def _concerns_relatives(session: Session, dice: int) -> bool:
    """Whether somebody else is to go on: whom it works for, once that is done, or now and then who works for it."""
    subagent, state = session.spawned_by is not None and session.teammate is None, _state(session)
    stands = session.closed or _is_over(session) or (state == "suspended" and dice % 5 == 0)
    return (subagent and stands and dice % 4 > 0) or (bool(session.at_work) and dice % 6 == 0)


def _is_over(session: Session) -> bool:
    return _state(session) in ("completed", "failed", "cancelled")


def _state(session: Session) -> str:
    return session.turn.state if session.turn else ""


_JUDGEMENTS: Mapping[str, tuple[Action, ...]] = {
    "proposed": (authorize, ask, ask_or_join, authorize, ask_or_join, deny),
    "allowed": (authorize, authorize, authorize, authorize, authorize, authorize, outdate),
    "refused": (deny,),
}


_PLAIN: Mapping[type[Step], Action] = {
    Deliver: deliver,
    Repair: repair,
    Stop: suspend,
    Finish: complete,
    Notify: tell_of_tasks,
    Compact: begin_compaction,
    Receive: receive,
}


def _work(story: Story, turn: Turn, dice: int) -> None:
    running = any(call.state == "started" and call.epoch == story.epoch for call in turn.calls)
    match next_step(story.session):
        case AskModel() if turn.awaiting:
            (respond, respond, respond, model_fails)[dice % 4](story, dice)
        case AskModel():
            request(story, dice)
        case Judge(call):
            options = _JUDGEMENTS.get(call.state, (authorize,))
            options[dice % len(options)](story, dice)
        case Run():
            start_call(story, dice)
        case Recover():
            (start_call, lose)[dice % 2](story, dice)
        case AwaitPerson() if running:
            (begin_task, finish, spawn, finish, finish)[dice % 5](story, dice)
        case AwaitPerson():
            (answer, answer, resolve, suspend, expire)[dice % 5](story, dice)
        case step:
            _PLAIN.get(type(step), nothing)(story, dice)


_STEP = st.tuples(
    st.one_of(st.sampled_from(ANYTHING), *[st.just(go_on)] * 7),
    st.integers(0, 250),
)


@st.composite
def stories(draw: st.DrawFn, length: int = 60) -> Story:
    """A story of at most so many steps."""
    story = Story()
    for action, dice in draw(st.lists(_STEP, min_size=length // 2, max_size=length)):
        action(story, dice)
    return story


_RELATED = st.tuples(
    st.one_of(st.sampled_from(ANYTHING), *[st.sampled_from(ABOUT_FAMILIES)] * 3, *[st.just(go_on)] * 7),
    st.integers(0, 250),
)


@st.composite
def families(draw: st.DrawFn, length: int = 80) -> Story:
    """A story that begins with a subagent and a teammate at work, and a request put to one of the three."""
    story = Story()
    for action, dice in ((start_turn, 0), (spawn, 0), (join, 0), (write, draw(st.sampled_from((20, 35, 50))))):
        action(story, dice)
    story.go_to(draw(st.sampled_from(sorted(story.histories))))
    for action, dice in draw(st.lists(_RELATED, min_size=length // 2, max_size=length)):
        action(story, dice)
    return story
