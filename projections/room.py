"""How long a conversation is, and what of it a model could do without."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from turnlog.domain import Block, ImageBlock, Place, ToolCallBlock, ToolResultBlock, ToolSearchBlock, text_size

from .compactions import Compactions
from .items import Item, ModelSaid, ToolUsed, UserSaid
from .results import elision_of, result_of
from .transcript import Transcript

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1_500
SMALLEST_ELIDED = 500
"""Tokens of a result; eliding a smaller one is not worth a round to read it again."""

KEPT_TOKENS = 2_000
"""What people said in the turn under way stays word for word up to this many tokens, or the tail's share."""


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens of a conversation; `measured` where the model counted most of them, with its instructions and tools."""

    tokens: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a conversation may be cut: a summary of `items` items, but for those at `keeps`, would save `tokens`."""

    items: int
    keeps: tuple[Place, ...]
    tokens: int


def length_of(transcript: Transcript) -> Length:
    """How long the conversation is: by the last answer's usage, else by its bytes."""
    items, changed = transcript.items, transcript.compactions.changed
    for index in range(len(items) - 1, changed - 1, -1):
        said = items[index]
        if isinstance(said, ModelSaid) and said.usage.input_tokens:
            since = sum(map(_tokens, items[index + 1 :]))
            return Length(said.usage.input_tokens + said.usage.output_tokens + since, measured=True)
    return Length(sum(map(_tokens, _seen(transcript))) + _summary(transcript.compactions), measured=False)


Spared = Literal["unanswered", "unfinished"]
"""What is never cut off: what no model has answered yet, or only calls without an outcome and what people said last."""


def cut_for(transcript: Transcript, share: float, spared: Spared = "unanswered") -> Cut | None:
    """Where to cut so that about that share of what there is stays word for word; None where nothing is worth it.

    A call and its result stay together.
    """
    items, start = transcript.items, _start(transcript.compactions)
    tail = sum(map(_tokens, items[start:])) * share
    cut = min(_tail_start(transcript, start, tail), _fresh(transcript, start, spared))
    if not any(isinstance(item, ModelSaid) for item in items[start:cut]):
        return None
    kept = _said_now(transcript, cut, max(tail, KEPT_TOKENS))
    saved = sum(map(_tokens, items[start:cut])) - sum(map(_tokens, kept))
    return Cut(cut, tuple(Place(stream=item.stream, version=item.version) for item in kept), saved)


def elidable(transcript: Transcript, share: float) -> tuple[str, ...]:
    """The results before the tail that are worth eliding, oldest first; those with images could not be read again."""
    start = _start(transcript.compactions)
    tail = sum(map(_tokens, transcript.items[start:])) * share
    cut = min(_tail_start(transcript, start, tail), _fresh(transcript, start, "unanswered"))
    return tuple(
        item.call_id
        for item in transcript.items[start:cut]
        if isinstance(item, ToolUsed) and _is_elidable(item) and _tokens(item) >= SMALLEST_ELIDED
    )


def saved_by(transcript: Transcript, call_ids: Iterable[str]) -> int:
    """Tokens that eliding these results saves."""
    found = [transcript.call(call_id) for call_id in call_ids]
    return sum(_tokens(used) - text_size(elision_of(used)) // BYTES_PER_TOKEN for used in found if used is not None)


def _is_elidable(used: ToolUsed) -> bool:
    return (
        used.status in ("finished", "failed")
        and not used.elided
        and not any(isinstance(part, ImageBlock) for part in used.content)
    )


def _start(compactions: Compactions) -> int:
    return 0 if compactions.latest is None else compactions.latest.cut


def _seen(transcript: Transcript) -> Sequence[Item]:
    """The items the model sees as they are."""
    latest = transcript.compactions.latest
    if latest is None:
        return transcript.items
    return [*(transcript.items[index] for index in latest.kept), *transcript.items[latest.cut :]]


def _summary(compactions: Compactions) -> int:
    latest = compactions.latest
    return 0 if latest is None else sum(map(_block_tokens, latest.blocks()))


def _tail_start(transcript: Transcript, start: int, most: float) -> int:
    """Where the longest tail begins that has at most so many tokens, and splits nothing that belongs together."""
    items, tokens, begins = transcript.items, 0, len(transcript.items)
    for index in range(len(items) - 1, start - 1, -1):
        tokens += _tokens(items[index])
        if tokens > most:
            break
        if index == start or _apart(items[index - 1], items[index]):
            begins = index
    return begins


def _apart(one: Item, other: Item) -> bool:
    return (one.stream, one.version) != (other.stream, other.version)


def _fresh(transcript: Transcript, start: int, spared: Spared) -> int:
    """Where that begins which is to be spared."""
    items, first = transcript.items, len(transcript.items)
    for used in map(transcript.call, transcript.unsettled):
        if used is not None:
            first = min(first, _begins(items, transcript.places[used.call_id], start))
    for index in range(len(items) - 1, start - 1, -1):
        if isinstance(items[index], ModelSaid if spared == "unanswered" else ModelSaid | ToolUsed):
            break
        if isinstance(items[index], UserSaid | ToolUsed):
            first = min(first, _begins(items, index, start))
    return first


def _begins(items: Sequence[Item], index: int, start: int) -> int:
    """Where that begins which came of the same event."""
    while index > start and not _apart(items[index - 1], items[index]):
        index -= 1
    return index


def _said_now(transcript: Transcript, cut: int, most: float) -> list[UserSaid]:
    """What people said in the turn under way, where that is not too long."""
    said = [
        item
        for item in transcript.items[:cut]
        if isinstance(item, UserSaid)
        and item.turn_id == transcript.turn_id
        and item.as_input in (None, "steer", "follow_up")
    ]
    return said if sum(map(_tokens, said)) <= most else []


def _tokens(item: Item) -> int:
    match item:
        case UserSaid() | ModelSaid():
            return sum(map(_block_tokens, item.blocks))
        case ToolUsed():
            return _block_tokens(result_of(item))
        case _:
            return 0


def _block_tokens(block: Block) -> int:
    match block:
        case ImageBlock():
            return IMAGE_TOKENS
        case ToolCallBlock():
            return (text_size(block.name) + text_size(block.arguments)) // BYTES_PER_TOKEN + 1
        case ToolSearchBlock():
            return sum(map(text_size, (*block.queries, *block.found))) // BYTES_PER_TOKEN + 1
        case ToolResultBlock():
            return sum(map(_block_tokens, block.content))
        case _:
            return text_size(block.text) // BYTES_PER_TOKEN + 1
