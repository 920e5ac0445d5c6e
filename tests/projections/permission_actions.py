"""Asking a person and answering, with arguments that dice decide."""

from datetime import timedelta

from turnlog.domain import Evaluation, Scope, commands

from .dice import TEXTS, call_of, epoch_of, request_of
from .story import ANN, BOB, PROCESS, Story, digest_of

_REMEMBER: tuple[Scope | None, ...] = (None, "session", "project", "global", "process", None, None)
_ASKED = Evaluation(verdict="prompt", why="no rule allows it", rules=())


def ask(story: Story, dice: int) -> None:
    call = call_of(story, dice)
    question = commands.permissions.Question(
        story.name("request"),
        digest_of(call.call_id),
        commands.permissions.Shown("run it", "shown", _ASKED),
        story.now + timedelta(minutes=dice % 20),
        persons=2 if dice % 4 == 2 else 1,
        barred=BOB if dice % 11 == 4 else None,
        process=PROCESS,
    )
    story.tries(lambda session: commands.permissions.ask(session, story.by, story.epoch, call.call_id, question))


def join(story: Story, dice: int) -> None:
    call, request_id = call_of(story, dice), request_of(story, dice // 4)
    digest = digest_of(call.call_id)
    story.tries(
        lambda session: commands.permissions.join(
            session, story.by, epoch_of(story, dice), call.call_id, request_id, digest
        )
    )


def ask_or_join(story: Story, dice: int) -> None:
    """Ask, unless a question about the same tool stands."""
    before = len(story.log)
    join(story, dice)
    if len(story.log) == before:
        ask(story, dice)


def answer(story: Story, dice: int) -> None:
    request_id, scope = request_of(story, dice), _REMEMBER[dice % 7]
    allow = dice % 3 != 0
    uses = 2 if allow and dice % 2 else None
    memory = None if scope is None else commands.answers.Memory(story.name("rule"), scope, "it", uses=uses)
    edit = commands.answers.Edit(TEXTS[dice % 5], "edited") if dice % 13 == 5 else None
    said = commands.answers.Answer(allow, "because", memory, edit)
    by = story.by_((ANN, BOB)[dice // 2 % 2])
    story.tries(lambda session: commands.answers.answer(session, by, request_id, said))


def expire(story: Story, dice: int) -> None:
    request_id = request_of(story, dice)
    story.tries(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))


def outdate(story: Story, dice: int) -> None:
    call_id = call_of(story, dice).call_id
    story.tries(lambda session: commands.permissions.outdate(session, story.by, story.epoch, call_id, ("program",)))
