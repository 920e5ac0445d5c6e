"""Every command, with arguments that dice decide; what is refused changes nothing."""

from decimal import Decimal
from typing import Literal

from turnlog.domain import (
    OUTPUT_TOOL,
    AuthorizedBy,
    BlobRef,
    Cost,
    Deliver,
    ModelBlock,
    Output,
    Policy,
    Resolution,
    Scope,
    TextBlock,
    ThinkingBlock,
    ToolSearchBlock,
    Usage,
    commands,
    next_step,
)

from .background_actions import ABOUT_TASKS
from .context_actions import ABOUT_CONTEXT
from .dice import TEXTS, Action, call_of, epoch_of, turn_of
from .family_actions import ABOUT_FAMILIES
from .permission_actions import answer, ask, expire, join, outdate
from .story import MODEL, OTHER_MODEL, PROCESS, Story, digest_of

VALUE = Output(name="Value", json_schema={"type": "object"})
_KINDS: tuple[Literal["steer"], Literal["follow_up"]] = ("steer", "follow_up")
_TOOLS = ("shell", "read", OUTPUT_TOOL)
_RESOLUTIONS: tuple[Resolution, ...] = ("did", "did_not", "retry")

_WORDS: tuple[AuthorizedBy, ...] = ("read_only", "rule", "policy", "authorizer")
_USES: tuple[list[tuple[str, Scope]], ...] = ([], [("nowhere", "global")], [("nowhere", "process")])


def nothing(story: Story, dice: int) -> None:
    """What steps shrink to."""


def start_turn(story: Story, dice: int) -> None:
    content = (TextBlock(text=TEXTS[dice % 5]), TextBlock(text=TEXTS[dice // 5 % 5]))
    asked = commands.turns.Asked(content, output=VALUE if dice % 4 == 1 else None)
    turn_id = story.name("turn")
    story.tries(lambda session: commands.turns.start(session, story.by, turn_id, asked))


def queue(story: Story, dice: int) -> None:
    content, kind = (TextBlock(text=TEXTS[dice % 5]),), _KINDS[dice // 5 % 2]
    input_id = story.name("input")
    story.tries(lambda session: commands.inputs.queue(session, story.by, input_id, kind, content))


def deliver(story: Story, dice: int) -> None:
    """What is due, or now and then all that waits."""
    step = next_step(story.session)
    waiting = tuple(queued.input_id for queued in turn_of(story).inputs)
    due = step.input_ids if isinstance(step, Deliver) and dice % 5 else waiting
    story.tries(lambda session: commands.inputs.deliver(session, story.by, epoch_of(story, dice), due))


def repair(story: Story, dice: int) -> None:
    input_id = story.name("input")
    story.tries(lambda session: commands.inputs.repair(session, story.by, epoch_of(story, dice), input_id, "a value!"))


def take(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.leases.take(session, story.by, f"w{dice % 3}", holder_gone=dice % 2 == 0))


def release(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.leases.release(session, story.by, epoch_of(story, dice)))


def request(story: Story, dice: int) -> None:
    story.tries(
        lambda session: commands.models.request(
            session, story.by, epoch_of(story, dice), commands.models.Request("digest")
        )
    )


def _blocks(story: Story, dice: int) -> tuple[ModelBlock, ...]:
    thought = ThinkingBlock(text="hm", model=(MODEL, OTHER_MODEL)[dice // 4 % 2], signature="s")
    blocks: list[ModelBlock] = [thought] if dice % 3 == 0 else []
    if dice % 5:
        blocks.append(TextBlock(text=TEXTS[dice // 7 % 5], signature=("s", None, None)[dice // 9 % 3]))
    if dice % 7 == 0:
        model = (MODEL, OTHER_MODEL)[dice // 3 % 2]
        found = ("read",)[: dice // 5 % 2]
        blocks.append(ToolSearchBlock(search_id=f"search_{dice}", queries=("files",), found=found, model=model))
    blocks += [story.call(_TOOLS[dice // 3 % 3]) for _ in range(min(dice % 5, 3))]
    if dice % 11 == 0:
        blocks.append(thought)
    return tuple(blocks)


def respond(story: Story, dice: int) -> None:
    cost = Cost(amount=Decimal(dice) / 1000, source="a price list") if dice % 3 else None
    usage = Usage(input_tokens=dice, output_tokens=dice % 7)
    response = commands.models.Response(_blocks(story, dice), usage, cost=cost)
    story.tries(lambda session: commands.models.respond(session, story.by, epoch_of(story, dice), response))


def model_fails(story: Story, dice: int) -> None:
    failure = commands.models.Failure("overloaded", "later", retryable=True, retry_delay=1.0)
    story.tries(lambda session: commands.models.fail(session, story.by, epoch_of(story, dice), failure))


def authorize(story: Story, dice: int) -> None:
    call = call_of(story, dice)
    digest = "another" if dice % 17 == 3 else call.digest or digest_of(call.call_id)
    word = "person" if call.state == "allowed" else _WORDS[dice % 4]
    rules: list[tuple[str, Scope]] = [(rule.rule_id, rule.scope) for rule in story.session.rules if rule.uses]
    source = call.request_id if word == "person" and dice % 19 else None
    grant = commands.tools.Grant(
        digest, word, source, uses=tuple(rules[:1] if word == "rule" else _USES[dice % 3]), process=PROCESS
    )
    story.tries(lambda session: commands.tools.authorize(session, story.by, epoch_of(story, dice), call.call_id, grant))


def amend(story: Story, dice: int) -> None:
    call_id, amendment = call_of(story, dice).call_id, commands.tools.Amendment(TEXTS[dice % 5], "a hook")
    story.tries(lambda session: commands.tools.amend(session, story.by, epoch_of(story, dice), call_id, amendment))


def deny(story: Story, dice: int) -> None:
    call_id, denial = call_of(story, dice).call_id, commands.tools.Denial("rule", "not here")
    story.tries(lambda session: commands.tools.deny(session, story.by, epoch_of(story, dice), call_id, denial))


def start_call(story: Story, dice: int) -> None:
    call = call_of(story, dice)
    digest = call.digest or digest_of(call.call_id)
    execution = commands.tools.Execution(call.tool, digest, ("pure", "external")[dice % 2], "i")
    story.tries(lambda session: commands.tools.start(session, story.by, story.epoch, call.call_id, execution))


def finish(story: Story, dice: int) -> None:
    call_id = call_of(story, dice).call_id
    big = BlobRef(sha256="0" * 64, size=90_000, media_type="text/plain", head="a")
    content = (TextBlock(text=TEXTS[dice % 5]), TextBlock(text=big))[: dice % 3]
    result = commands.tools.Result(content, is_error=dice % 2 == 0)
    story.tries(lambda session: commands.tools.finish(session, story.by, epoch_of(story, dice), call_id, result))


def lose(story: Story, dice: int) -> None:
    call_id = call_of(story, dice).call_id
    story.tries(lambda session: commands.tools.lose(session, story.by, story.epoch, call_id, "the worker died"))


def resolve(story: Story, dice: int) -> None:
    call_id = call_of(story, dice).call_id
    said = _RESOLUTIONS[dice % 3]
    story.tries(lambda session: commands.outcomes.resolve(session, story.by, call_id, commands.outcomes.Word(said)))


def fail_turn(story: Story, dice: int) -> None:
    failure = commands.turns.Failure("model", "down")
    story.tries(lambda session: commands.turns.fail(session, story.by, epoch_of(story, dice), failure))


def complete(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.complete(session, story.by, epoch_of(story, dice)))


def cancel(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.cancel(session, story.by, "enough"))


def stop(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.stop(session, story.by, "lunch"))


def suspend(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.suspend(session, story.by, epoch_of(story, dice)))


def resume(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.turns.resume(session, story.by))


def tag(story: Story, dice: int) -> None:
    add, remove = (f"tag{dice % 3}",), (f"tag{dice // 3 % 3}",)
    story.tries(lambda session: commands.sessions.tag(session, story.by, add, () if add == remove else remove))


def rename(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.sessions.rename(session, story.by, TEXTS[dice % 5]))


def configure(story: Story, dice: int) -> None:
    policy = Policy.strict().model_dump_json() if dice % 3 == 0 else None
    wanted = commands.sessions.Configuration(model=(MODEL, OTHER_MODEL)[dice % 2], policy=policy)
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
    join,
    answer,
    expire,
    outdate,
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
    tag,
    configure,
    close,
    notice,
    revoke,
    fork,
    *ABOUT_TASKS,
    *ABOUT_CONTEXT,
    *ABOUT_FAMILIES,
)
