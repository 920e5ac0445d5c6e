"""Every command, with arguments that dice decide; what is refused changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from turnlog.domain import (
    OUTPUT_TOOL,
    BlobRef,
    Call,
    Cost,
    Deliver,
    ModelBlock,
    Output,
    Resolution,
    Scope,
    TextBlock,
    ThinkingBlock,
    Turn,
    Usage,
    commands,
    next_step,
)

from .story import MODEL, OTHER_MODEL, Story, digest_of

Action = Callable[[Story, int], object]
VALUE = Output(name="Value", json_schema={"type": "object"})
_KINDS: tuple[Literal["steer"], Literal["follow_up"]] = ("steer", "follow_up")
_TOOLS = ("shell", "read", OUTPUT_TOOL)
_TEXTS = ("hello", "", "  \n", "ÄÖ \u202e", "x" * 300)
_RESOLUTIONS: tuple[Resolution, ...] = ("did", "did_not", "retry")
_REMEMBER: tuple[Scope | None, ...] = (None, "session", "project", "global", None)


def _turn(story: Story) -> Turn:
    return story.session.turn or Turn("none", 0)


def _call(story: Story, dice: int) -> Call:
    calls = _turn(story).open_calls if dice % 4 else _turn(story).calls
    return calls[dice % len(calls)] if calls else Call("nowhere", "shell", 0)


def _request(story: Story, dice: int) -> str:
    requests = _turn(story).requests
    return requests[dice % len(requests)].request_id if requests else "nowhere"


def _epoch(story: Story, dice: int) -> int:
    return story.epoch - (dice % 13 == 7)


def nothing(story: Story, dice: int) -> None:
    """What steps shrink to."""


def start_turn(story: Story, dice: int) -> None:
    content = (TextBlock(text=_TEXTS[dice % 5]), TextBlock(text=_TEXTS[dice // 5 % 5]))
    asked = commands.turns.Asked(content, output=VALUE if dice % 4 == 1 else None)
    turn_id = story.name("turn")
    story.tries(lambda session: commands.turns.start(session, story.by, turn_id, asked))


def queue(story: Story, dice: int) -> None:
    content, kind = (TextBlock(text=_TEXTS[dice % 5]),), _KINDS[dice // 5 % 2]
    input_id = story.name("input")
    story.tries(lambda session: commands.inputs.queue(session, story.by, input_id, kind, content))


def deliver(story: Story, dice: int) -> None:
    """What is due, or now and then all that waits."""
    step = next_step(story.session)
    waiting = tuple(queued.input_id for queued in _turn(story).inputs)
    due = step.input_ids if isinstance(step, Deliver) and dice % 5 else waiting
    story.tries(lambda session: commands.inputs.deliver(session, story.by, _epoch(story, dice), due))


def repair(story: Story, dice: int) -> None:
    input_id = story.name("input")
    story.tries(lambda session: commands.inputs.repair(session, story.by, _epoch(story, dice), input_id, "a value!"))


def take(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.leases.take(session, story.by, f"w{dice % 3}", holder_gone=dice % 2 == 0))


def release(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.leases.release(session, story.by, _epoch(story, dice)))


def request(story: Story, dice: int) -> None:
    story.tries(
        lambda session: commands.models.request(
            session, story.by, _epoch(story, dice), commands.models.Request("digest")
        )
    )


def _blocks(story: Story, dice: int) -> tuple[ModelBlock, ...]:
    thought = ThinkingBlock(text="hm", model=(MODEL, OTHER_MODEL)[dice // 4 % 2], signature="s")
    blocks: list[ModelBlock] = [thought] if dice % 3 == 0 else []
    if dice % 5:
        blocks.append(TextBlock(text=_TEXTS[dice // 7 % 5], signature=("s", None, None)[dice // 9 % 3]))
    blocks += [story.call(_TOOLS[dice // 3 % 3]) for _ in range(min(dice % 5, 3))]
    if dice % 11 == 0:
        blocks.append(thought)
    return tuple(blocks)


def respond(story: Story, dice: int) -> None:
    cost = Cost(amount=Decimal(dice) / 1000, source="a price list") if dice % 3 else None
    usage = Usage(input_tokens=dice, output_tokens=dice % 7)
    response = commands.models.Response(_blocks(story, dice), usage, cost=cost)
    story.tries(lambda session: commands.models.respond(session, story.by, _epoch(story, dice), response))


def model_fails(story: Story, dice: int) -> None:
    failure = commands.models.Failure("overloaded", "later", retryable=True, retry_delay=1.0)
    story.tries(lambda session: commands.models.fail(session, story.by, _epoch(story, dice), failure))


def authorize(story: Story, dice: int) -> None:
    call = _call(story, dice)
    digest = "another" if dice % 17 == 3 else digest_of(call.call_id)
    grant = commands.tools.Grant(digest, "person" if call.state == "allowed" else ("read_only", "rule")[dice % 2])
    story.tries(lambda session: commands.tools.authorize(session, story.by, _epoch(story, dice), call.call_id, grant))


def amend(story: Story, dice: int) -> None:
    call_id, amendment = _call(story, dice).call_id, commands.tools.Amendment(_TEXTS[dice % 5], "a hook")
    story.tries(lambda session: commands.tools.amend(session, story.by, _epoch(story, dice), call_id, amendment))


def ask(story: Story, dice: int) -> None:
    call = _call(story, dice)
    question = commands.permissions.Question(
        story.name("request"),
        digest_of(call.call_id),
        "run it",
        "shown",
        story.now + timedelta(minutes=dice % 20),
    )
    story.tries(lambda session: commands.permissions.ask(session, story.by, story.epoch, call.call_id, question))


def answer(story: Story, dice: int) -> None:
    request_id, remember = _request(story, dice), _REMEMBER[dice % 5]
    said = commands.permissions.Answer(dice % 3 != 0, "because", remember, story.name("rule"), "it")
    story.tries(lambda session: commands.permissions.answer(session, story.by, request_id, said))


def expire(story: Story, dice: int) -> None:
    request_id = _request(story, dice)
    story.tries(lambda session: commands.permissions.expire(session, story.by, story.epoch, request_id))


def withdraw(story: Story, dice: int) -> None:
    request_id = _request(story, dice)
    story.tries(lambda session: commands.permissions.withdraw(session, story.by, story.epoch, request_id, "changed"))


def deny(story: Story, dice: int) -> None:
    call_id, denial = _call(story, dice).call_id, commands.tools.Denial("rule", "not here")
    story.tries(lambda session: commands.tools.deny(session, story.by, _epoch(story, dice), call_id, denial))


def start_call(story: Story, dice: int) -> None:
    call = _call(story, dice)
    execution = commands.tools.Execution(call.tool, digest_of(call.call_id), ("pure", "external")[dice % 2], "i")
    story.tries(lambda session: commands.tools.start(session, story.by, story.epoch, call.call_id, execution))


def finish(story: Story, dice: int) -> None:
    call_id = _call(story, dice).call_id
    big = BlobRef(sha256="0" * 64, size=90_000, media_type="text/plain", head="a")
    content = (TextBlock(text=_TEXTS[dice % 5]), TextBlock(text=big))[: dice % 3]
    result = commands.tools.Result(content, is_error=dice % 2 == 0)
    story.tries(lambda session: commands.tools.finish(session, story.by, _epoch(story, dice), call_id, result))


def lose(story: Story, dice: int) -> None:
    call_id = _call(story, dice).call_id
    story.tries(lambda session: commands.tools.lose(session, story.by, story.epoch, call_id, "the worker died"))


def resolve(story: Story, dice: int) -> None:
    call_id = _call(story, dice).call_id
    said = _RESOLUTIONS[dice % 3]
    story.tries(lambda session: commands.tools.resolve(session, story.by, call_id, said))


def fail_turn(story: Story, dice: int) -> None:
    failure = commands.turns.Failure("model", "down")
    story.tries(lambda session: commands.turns.fail(session, story.by, _epoch(story, dice), failure))


def complete(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.complete(session, story.by, _epoch(story, dice)))


def cancel(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.cancel(session, story.by, "enough"))


def stop(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.stop(session, story.by, "lunch"))


def suspend(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.suspend(session, story.by, _epoch(story, dice)))


def resume(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.resume(session, story.by))


def rename(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.sessions.rename(session, story.by, _TEXTS[dice % 5]))


def configure(story: Story, dice: int) -> None:
    wanted = commands.sessions.Configuration(model=(MODEL, OTHER_MODEL)[dice % 2])
    story.tries(lambda session: commands.sessions.configure(session, story.by, wanted))


def close(story: Story, dice: int) -> None:
    if dice % 3 == 0:
        story.tries(lambda session: commands.sessions.close(session, story.by))


def notice(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.sessions.notice(session, story.by, "look"))


def revoke(story: Story, dice: int) -> None:
    rules = story.session.rules
    rule_id = rules[dice % len(rules)].rule_id if rules else "nowhere"
    story.tries(lambda session: commands.rules.revoke(session.rules, story.by, rule_id))


def fork(story: Story, dice: int) -> None:
    story.fork(dice // 2 % 9, keeps_grants=dice % 2 == 0, model=(None, MODEL, OTHER_MODEL)[dice % 3])


ANYTHING: tuple[Action, ...] = (
    nothing,
    start_turn,
    queue,
    deliver,
    repair,
    take,
    release,
    request,
    respond,
    model_fails,
    amend,
    authorize,
    ask,
    answer,
    expire,
    withdraw,
    deny,
    start_call,
    finish,
    lose,
    resolve,
    fail_turn,
    complete,
    cancel,
    stop,
    suspend,
    resume,
    rename,
    configure,
    close,
    notice,
    revoke,
    fork,
)
