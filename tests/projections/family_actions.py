"""Commands about subagents, teammates and their mail, with arguments that dice decide."""

from collections.abc import Callable
from dataclasses import asdict

from turnlog.domain import (
    Mailbox,
    MailKind,
    Session,
    SpawnedBy,
    Spending,
    SubagentOutcome,
    TextBlock,
    TurnlogError,
    commands,
    mailbox_after,
    mailbox_stream,
    waiting,
)

from .dice import TEXTS, Action, epoch_of, turn_of
from .story import MODEL, OTHER_MODEL, Story

Reading = commands.teams.Reading

BOUNDS = commands.subagents.Bounds(at_once=2, deepest=2)
MOST = 2
_NAMES = ("ada", "bob", "lead", "not a name")
_KINDS: tuple[MailKind, ...] = ("message", "broadcast", "request")
_OUTCOMES: dict[str, SubagentOutcome] = {"completed": "answered", "failed": "failed", "cancelled": "cancelled"}


def spawn(story: Story, dice: int) -> None:
    """A subagent, for a call that runs where there is one."""
    parent, turn = story.session, turn_of(story)
    running = [call.call_id for call in turn.calls if call.state == "started" and call.epoch == story.epoch]
    errand = commands.subagents.Errand(running[-1], epoch_of(story, dice)) if running else None
    name, path = _NAMES[dice % 4], f"{parent.path}/agent-{story.sessions}"
    new = commands.subagents.Spawn(f"s{story.sessions + 1}", name, path, "digest", errand=errand)
    if story.tries(lambda session: commands.subagents.spawn(session, story.by, new, BOUNDS)):
        turn_id, call_id = (turn.turn_id, running[-1]) if running else (None, None)
        _begin(story, SpawnedBy(session=parent.id, path=path, turn_id=turn_id, call_id=call_id), dice)


def join(story: Story, dice: int) -> None:
    """A teammate."""
    lead, name = story.session, _NAMES[dice % 4]
    path = f"{lead.path}/@{name}-{story.sessions}"
    joining = commands.teams.Joining(name, f"s{story.sessions + 1}", path)
    if story.tries(lambda session: commands.teams.join(session, story.by, joining, MOST)):
        _begin(story, SpawnedBy(session=lead.id, path=path, teammate=name), dice)


def _begin(story: Story, spawned_by: SpawnedBy, dice: int) -> None:
    """Its session with the first turn; the story goes on there, or where it was."""
    opening = commands.sessions.Opening(
        title=spawned_by.path, model=(MODEL, OTHER_MODEL)[dice % 2], project="shop", spawned_by=spawned_by
    )
    story.begin_another(opening)
    turn_id = story.name("turn")
    asked = commands.turns.Asked((TextBlock(text="Go."),))
    story.do(lambda session: commands.turns.start(session, story.by, turn_id, asked))
    if dice % 3 == 0:
        story.go_to(spawned_by.session)


def report(story: Story, dice: int) -> None:
    """A subagent tells the session it works for how it stands; once it is done, it is closed."""
    child = story.session
    if child.spawned_by is None or child.teammate is not None or child.turn is None:
        return
    outcome = _OUTCOMES.get(child.turn.state)
    if outcome is not None and child.subagents.active:
        story.go_to(child.subagents.active[0].child)
        return
    story.go_to(child.spawned_by.session)
    wait = waiting(child)
    if outcome is not None:
        ending = commands.subagents.Ending(outcome, TEXTS[dice % 5], Spending(**asdict(child.spent)))
        told = story.tries(lambda session: commands.subagents.finish(session, story.by, child.id, ending))
        if told and not child.closed:
            _in(story, child.id, lambda: story.tries(lambda session: commands.sessions.close(session, story.by)))
    elif child.turn.state == "suspended" and wait is not None:
        ids = wait.waiting_for
        story.tries(lambda session: commands.subagents.suspend(session, story.by, child.id, wait.reason, ids))
    else:
        story.tries(lambda session: commands.subagents.resume(session, story.by, child.id))


def leave(story: Story, dice: int) -> None:
    """A teammate is let go, in both streams; now and then one that is not there."""
    present = story.session.present
    name = present[dice % len(present)].name if present and dice % 7 else "nobody"
    if story.tries(lambda session: commands.teams.leave(session, story.by, name)):
        member = present[dice % len(present)].session
        _in(story, member, lambda: story.tries(lambda session: commands.teams.dismiss(session, story.by)))


def last_turn_over(story: Story, dice: int) -> None:
    """A teammate that left is closed once its turn is over, as whoever ran that does."""
    if turn_of(story).state == "completed":
        story.tries(lambda session: commands.teams.last_turn_over(session, story.by))


# Mail


def write(story: Story, dice: int) -> None:
    """A message to any session of the story, in a mailbox once; one with nothing to do begins a turn with it."""
    to = _anybody(story, dice)
    message_id = "message0" if dice % 9 == 0 else story.name("message")
    _send(story, to, message_id, _KINDS[dice % 3], TEXTS[dice % 5])


def respond(story: Story, dice: int) -> None:
    """The answer to a request, which goes to whoever asked; now and then there is none, or it has its answer."""
    asked = [each for each in story.histories if mailbox(story, each).open_requests()]
    if asked:
        _in(story, asked[dice % len(asked)], lambda: _responds(story, dice))
    else:
        _responds(story, dice)


def _responds(story: Story, dice: int) -> bool:
    own, message_id = mailbox(story, story.session.id), story.name("message")
    asked = [str(mail.request_id) for mail in own.mail.values() if mail.kind == "request"] or ["ask0"]
    request_id = asked[-1] if dice % 5 else asked[0]
    try:
        mail = commands.teams.request_to_answer(own, story.now, request_id, message_id)
        noted = commands.teams.answer(own, story.by, request_id, message_id)
    except TurnlogError:
        return False
    story.happens(mailbox_stream(story.session.id), noted)
    return _send(story, mail.sender_session, message_id, "response", "yes", request_id)


def receive(story: Story, dice: int) -> None:
    """The model is told what there is to read."""
    unread, input_id = mailbox(story, story.session.id), story.name("input")
    read = _reading(unread, story.session)
    story.tries(
        lambda session: commands.teams.deliver(session, story.by, epoch_of(story, dice), input_id, "mail", read)
    )


def take_mail(story: Story, dice: int) -> None:
    """The program reads what there is to read, or now and then what it has read before."""
    own = mailbox(story, story.session.id)
    first = Reading(1, tuple(mail.message_id for mail in own.after(0, 1)))
    read = first if dice % 4 == 0 else _reading(own, story.session)
    story.tries(lambda session: commands.teams.take(session, story.by, read))


def mailbox(story: Story, session_id: str) -> Mailbox:
    """What was ever said to a session."""
    stream = mailbox_stream(session_id)
    return mailbox_after(Mailbox(), [each.event for each in story.log if each.stream == stream])


def _send(story: Story, to: str, message_id: str, kind: MailKind, text: str, request_id: str | None = None) -> bool:
    sender, asks = story.session.id, story.name("ask") if kind == "request" else request_id
    letter = commands.teams.Letter(message_id, kind, "somebody", sender, text, asks)
    return _in(story, to, lambda: _arrives(story, letter))


def _arrives(story: Story, letter: commands.teams.Letter) -> bool:
    before, turn_id = mailbox(story, story.session.id), story.name("turn")
    try:
        sent = commands.teams.send(before, story.by, letter)
        after = mailbox_after(before, sent)
        turn = story.session.turn
        if story.session.teammate is not None and (turn is None or turn.state not in ("open", "suspended")):
            read = Reading(after.version, tuple(each.message_id for each in after.after(story.session.mail.delivered)))
            told = commands.teams.wake(story.session, story.by, turn_id, "mail", read)
        else:
            told = commands.teams.arrive(story.session, story.by, letter.message_id, after.version)
    except TurnlogError:
        return False
    if sent:
        story.happens(mailbox_stream(story.session.id), sent)
        story.do(lambda session: told)
    return bool(sent)


def _reading(box: Mailbox, session: Session) -> commands.teams.Reading:
    mail = box.after(session.mail.delivered, session.mail.arrived)
    return Reading(session.mail.arrived, tuple(each.message_id for each in mail))


# Where the story goes on


def go_elsewhere(story: Story, dice: int) -> None:
    """On with another session."""
    story.go_to(_anybody(story, dice))


def go_to_a_relative(story: Story, dice: int) -> None:
    """On with who works for this session, or with whom it works for."""
    session = story.session
    above = () if session.spawned_by is None else (session.spawned_by.session,)
    relatives = (*session.at_work, *above)
    if relatives:
        story.go_to(relatives[dice % len(relatives)])


def _anybody(story: Story, dice: int) -> str:
    known = sorted({*story.elsewhere, story.session.id})
    return known[dice % len(known)]


def _in(story: Story, session_id: str, deed: Callable[[], bool]) -> bool:
    """Do something in another session, and come back."""
    home = story.session.id
    story.go_to(session_id)
    done = deed()
    story.go_to(home)
    return done


ABOUT_FAMILIES: tuple[Action, ...] = (
    spawn,
    join,
    report,
    leave,
    last_turn_over,
    write,
    respond,
    receive,
    take_mail,
    go_elsewhere,
    go_to_a_relative,
)
