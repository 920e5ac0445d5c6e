"""The conversation as a provider accepts it, at any point of a session.

It starts with the user, roles alternate, and every tool call is answered once, in the very next message, in call
order and before anything else. Where a call has no outcome the answer says so, truthfully.
"""

from collections.abc import Iterable, Sequence

from turnlog.domain import (
    OUTPUT_TOOL,
    Block,
    Message,
    ModelBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolSearchBlock,
    UserBlock,
)

from .items import Item, ModelSaid, ToolUsed, UserSaid
from .results import is_blank, result_of
from .transcript import Transcript


def messages(transcript: Transcript, model: str | None = None) -> tuple[Message, ...]:
    """What a model is told.

    Thinking, searches of its provider and proofs go to the model that made them, or to all where `model` is None.
    """
    return _told(transcript, transcript.items, model, transcript.recalled)


def messages_before(transcript: Transcript, cut: int, model: str | None = None) -> tuple[Message, ...]:
    """What a model is told up to the first `cut` items of a transcript: what a summary is to stand for.

    What was recalled is not part of it: it stays in front, and nothing forgotten comes back in a summary.
    """
    return _told(transcript, transcript.items[:cut], model, "")


def _told(transcript: Transcript, items: Sequence[Item], model: str | None, recalled: str) -> tuple[Message, ...]:
    conversation = _Conversation(model, transcript.turn_id)
    compacted, start = transcript.compactions.latest, 0
    if compacted is not None:
        start = compacted.cut
        conversation.summary(compacted.blocks())
        conversation.forget(items[:start])
        for index in compacted.kept:
            conversation.add(items[index])
    for item in items[start:]:
        conversation.add(item)
    return conversation.messages(recalled)


class _Conversation:
    """Messages under construction."""

    def __init__(self, model: str | None, turn_id: str | None) -> None:
        self._model = model
        self._turn_id = turn_id
        self._sides: list[list[Block]] = []
        self._proposed: set[str] = set()
        self._unanswered: set[str] = set()

    def messages(self, recalled: str) -> tuple[Message, ...]:
        """What has been said, sides in turn from the user's; in front of it what was recalled."""
        front: list[Block] = [TextBlock(text=recalled)] if recalled else []
        return tuple(
            Message(role="assistant" if place % 2 else "user", blocks=(*([] if place else front), *blocks))
            for place, blocks in enumerate(self._sides)
        )

    def add(self, item: Item) -> None:
        """The next item, as far as it is part of the conversation."""
        match item:
            case UserSaid():
                self.user(item)
            case ModelSaid():
                self.assistant(item)
            case ToolUsed():
                self.result(item)
            case _:
                pass

    def summary(self, blocks: Sequence[UserBlock]) -> None:
        """What stands for the conversation up to some point."""
        self._say(0, blocks)

    def forget(self, items: Iterable[Item]) -> None:
        """What the summary stands for; calls in it are answered there."""
        self._proposed.update(item.call_id for item in items if isinstance(item, ToolUsed))

    def user(self, said: UserSaid) -> None:
        """What a person said; it joins what they said before where nobody answered."""
        self._say(0, [block for block in said.blocks if not isinstance(block, TextBlock) or not is_blank(block)])

    def assistant(self, said: ModelSaid) -> None:
        """What a model said, as far as it may be repeated."""
        told = said.blocks if said.turn_id == self._turn_id else [_as_text(block) for block in said.blocks]
        told = told if self._model in (None, said.model) else [_unsigned(block) for block in told]
        blocks = _without_last_thoughts(block for block in told if self._may_repeat(block))
        if not self._sides:
            return  # nobody can answer before anybody asked
        self._unanswered.update(block.call_id for block in blocks if isinstance(block, ToolCallBlock))
        self._say(1, blocks)

    def result(self, used: ToolUsed) -> None:
        """What became of a call that is in the conversation."""
        if used.call_id in self._unanswered:
            self._unanswered.remove(used.call_id)
            self._say(0, [result_of(used)])

    def _say(self, role: int, blocks: Iterable[Block]) -> None:
        blocks = list(blocks)
        if not blocks:
            return
        if len(self._sides) % 2 == role:
            self._sides.append(blocks)
        else:
            self._sides[-1].extend(blocks)

    def _may_repeat(self, block: ModelBlock) -> bool:
        match block:
            case TextBlock():
                return not is_blank(block) or block.signature is not None
            case ThinkingBlock() | ToolSearchBlock():
                return self._model in (None, block.model)
            case ToolCallBlock():
                fresh = block.call_id not in self._proposed
                self._proposed.add(block.call_id)
                return fresh
            case _:
                return True


def _as_text(block: ModelBlock) -> ModelBlock:
    """What an earlier turn ended in, as text: its tool is no longer on offer, and providers refuse calls of no tool."""
    if isinstance(block, ToolCallBlock) and block.name == OUTPUT_TOOL:
        return TextBlock(text=block.arguments)
    return block


def _unsigned(block: ModelBlock) -> ModelBlock:
    """A block as another model may see it: what proves to its provider that a model said it means nothing to others."""
    return block if isinstance(block, ThinkingBlock) else block.model_copy(update={"signature": None})


def _without_last_thoughts(blocks: Iterable[ModelBlock]) -> list[Block]:
    """Leave out thinking that leads to nothing: providers refuse an answer that ends with it."""
    kept: list[Block] = list(blocks)
    while kept and isinstance(kept[-1], ThinkingBlock):
        kept.pop()
    return kept
