"""Commands about compactions, elided results and deferred tools, with arguments that dice decide."""

from decimal import Decimal

from turnlog.domain import CompactionTrigger, Cost, Place, Replaced, ToolSearch, Usage, commands
from turnlog.projections import TRANSCRIPT, Item, ToolUsed, project

from .dice import TEXTS, Action, epoch_of
from .story import Story


def want(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.context.request(session, story.by, TEXTS[dice % 5]))


def begin_compaction(story: Story, dice: int) -> None:
    """A summary of what came before some item, which need be no place where anybody would cut."""
    items = project(TRANSCRIPT, story.history).items
    if not items:
        return
    last = _place(items[dice % len(items)])
    replaces = Replaced(first=_place(items[0]), last=last, messages=dice, digest="digest")
    keeps = (_place(items[0]),) if dice % 3 == 0 else ()
    trigger: CompactionTrigger = "overflow" if dice % 2 else "request"
    in_force = len(story.session.context.in_force) + (dice % 11 == 3)
    summing = commands.context.Summing(trigger, "digest", replaces, 1000, keeps, in_force=in_force)
    story.tries(lambda session: commands.context.start(session, story.by, epoch_of(story, dice), summing))


def end_compaction(story: Story, dice: int) -> None:
    if dice % 4 == 0:
        failure = commands.context.Failure("overloaded", "later", retry_delay=1.0 if dice % 8 else None)
        story.tries(lambda session: commands.context.fail(session, story.by, epoch_of(story, dice), failure))
        return
    cost = Cost(amount=Decimal("0.25"), source="a price list") if dice % 3 else None
    summary = commands.context.Summary("They spoke.", Usage(input_tokens=dice, output_tokens=3), cost=cost)
    story.tries(lambda session: commands.context.complete(session, story.by, epoch_of(story, dice), summary))


def decline(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.context.decline(session, story.by, epoch_of(story, dice), "nothing"))


def undo(story: Story, dice: int) -> None:
    story.tries(lambda session: commands.context.undo(session, story.by))


def elide(story: Story, dice: int) -> None:
    """Any calls, finished or not."""
    calls = [item.call_id for item in project(TRANSCRIPT, story.history).items if isinstance(item, ToolUsed)]
    some = tuple(calls[:: 1 + dice % 3]) or ("nowhere",)
    story.tries(lambda session: commands.context.elide(session, story.by, epoch_of(story, dice), some))


def arrange(story: Story, dice: int) -> None:
    deferred = story.session.tools[: dice % 3]
    story.tries(lambda session: commands.toolset.arrange(session, story.by, {}, None, deferred))


def choose_search(story: Story, dice: int) -> None:
    search: ToolSearch = "provider" if dice % 2 else "find_tools"
    story.tries(lambda session: commands.toolset.choose_search(session, story.by, search))


def _place(item: Item) -> Place:
    return Place(stream=item.stream, version=item.version)


ABOUT_CONTEXT: tuple[Action, ...] = (
    want,
    begin_compaction,
    end_compaction,
    decline,
    undo,
    elide,
    arrange,
    choose_search,
)
