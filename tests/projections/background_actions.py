"""Commands about background tasks, with arguments that dice decide."""

from turnlog.domain import commands

from .dice import TEXTS, Action, call_of, epoch_of
from .story import Story

Ending = commands.background.Ending


def begin_task(story: Story, dice: int) -> None:
    """A task of a call that runs, where one does."""
    turn = story.session.turn
    started = [call for call in turn.calls if call.state == "started"] if turn else []
    call_id = (started or [call_of(story, dice)])[-1].call_id
    beginning = commands.background.Beginning(call_id, "background_run", "make serve", "desk/run", 60, 1 + dice % 3)
    story.tries(lambda session: commands.background.start(session, story.by, epoch_of(story, dice), beginning))


def end_task(story: Story, dice: int) -> None:
    running = story.session.background.running
    task_id = running[dice % len(running)].task_id if running else "bg-0"
    if dice % 5 == 0:
        story.tries(lambda session: commands.background.lose(session, story.by, ("desk/run",), "it is gone"))
    else:
        ending = Ending("stopped", signal=15, reason="enough")
        story.tries(lambda session: commands.background.finish(session, story.by, task_id, ending))


def tell_of_tasks(story: Story, dice: int) -> None:
    """What ended and was not told; now and then with something that did not."""
    untold = story.session.background.untold or ("bg-0",)
    notice = commands.inputs.Notice(tuple(untold), TEXTS[dice % 5] or "over")
    input_id = story.name("input")
    story.tries(lambda session: commands.inputs.notify(session, story.by, epoch_of(story, dice), input_id, notice))


ABOUT_TASKS: tuple[Action, ...] = (begin_task, end_task, tell_of_tasks)
