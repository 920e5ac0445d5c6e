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
    Recover,
    Repair,
    Run,
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
from .permission_actions import answer, ask, ask_or_join, expire, outdate
from .story import Story


def go_on(story: Story, dice: int) -> None:
    """The next sensible step."""
    session = story.session
    if session.closed:
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
            (begin_task, finish, finish)[dice % 3](story, dice)
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
