"""A session as a document for people: Markdown that shows what was said and done, and nothing else.

Whatever people, models and tools wrote is shown as it was written: it cannot pass for a heading of ours, load an
image, hide behind HTML or run on into what follows. Prose is quoted with every mark that Markdown knows escaped; text
with code in it, arguments and results stand in fences longer than any in them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from turnlog.domain import (
    Body,
    ImageBlock,
    ModelBlock,
    ResultContent,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolSearchBlock,
)

from ..items import Item, MemoryShown, ModelSaid, NoticeShown, ToolUsed, TurnEnded, UserSaid
from ..metadata import Metadata
from ..results import result_of
from ..shown import one_line
from ..usage import Costs, UsageTotals

Text = Callable[[Body], str]
"""The whole text of a body."""

_MARKS = re.compile(r"([\\`*_\[\]<>|~&$^#])")
_AT_START = re.compile(r"([+=:-])|(\d{1,9})(?=[.)])")
_CODE = re.compile(r"^(?: {4}|\t| {0,3}(?:```|~~~))", re.MULTILINE)
_FENCES = re.compile(r"`{3,}")
_BREAK = "\\"


def document(metadata: Metadata, items: Iterable[Item], usage: UsageTotals, text: Text) -> str:
    """The document. Its lines end in line feeds, and so does the last."""
    page = _Page(metadata.id, text)
    parts = list(_head(metadata, usage))
    for item in items:
        parts += _item(item, page)
    return "\n\n".join(parts) + "\n"


# Text as it was written


class _Shown(dict[int, str]):
    """What to show for a character: itself, or its code point where it is not seen or moves others."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        seen = " " <= character <= "~" or character in "\n\t"
        self[number] = shown = character if seen else one_line(f"<{character}>")[1:-1].strip() or f"\\u{number:04x}"
        return shown


_SHOWN = _Shown()


def visible_text(text: str) -> str:
    """Text in which nothing moves a cursor, reorders or hides."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def inline(text: str) -> str:
    """Text on one line, as it was written."""
    return _at_start(_escaped(" ".join(visible_text(text).split())))


def prose(text: str) -> str:
    """What somebody wrote, quoted; in a fence where it has code in it."""
    shown = visible_text(text).strip("\n")
    if _CODE.search(shown):
        return "\n".join(f"> {line}" if line else ">" for line in fenced(shown).split("\n"))
    return "\n".join(_quoted([line.strip() for line in shown.split("\n")]))


def fenced(text: str, language: str = "text") -> str:
    """Text in a fence that nothing in it closes."""
    shown = visible_text(text).rstrip("\n")
    fence = "`" * (max([2, *(len(found) for found in _FENCES.findall(shown))]) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _quoted(lines: list[str]) -> Iterator[str]:
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        end = _BREAK if line and following else ""
        yield f"> {_at_start(_escaped(line))}{end}".rstrip()


def _escaped(line: str) -> str:
    return _MARKS.sub(r"\\\1", line)


def _at_start(line: str) -> str:
    """Escape what makes a heading, list or rule only where a line begins."""
    found = _AT_START.match(line)
    if found is None:
        return line
    return f"{found[2]}\\{line[found.end() :]}" if found[2] else f"\\{line}"


# The parts of the document


def _head(metadata: Metadata, usage: UsageTotals) -> Iterator[str]:
    yield f"# {inline(metadata.title) or 'A session'}"
    rows = [
        ("session", f"{inline(metadata.id)}, version {metadata.version}"),
        ("status", metadata.status),
        ("model", inline(metadata.model)),
        ("project", inline(metadata.project or "")),
        ("began", _moment(metadata.created_at)),
        ("changed", _moment(metadata.updated_at)),
        ("turns", str(metadata.turn_count)),
        ("tokens", f"{usage.total.input_tokens} in, {usage.total.output_tokens} out"),
        ("cost", _cost(usage.cost)),
        ("forked from", f"{inline(metadata.parent)}, version {metadata.parent_version}" if metadata.parent else ""),
    ]
    yield "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows if value)])


def _cost(cost: Costs) -> str:
    if not cost.amount:
        return ""
    return f"${cost.amount:f}" + (f", and {cost.unpriced} answers of unknown price" if cost.unpriced else "")


@dataclass(frozen=True, slots=True)
class _Page:
    """What a part needs to know of the whole: whose session it is, and how a body is read."""

    session: str
    text: Text

    def when(self, item: Item) -> str:
        """When it began, and in which event."""
        stream = "" if item.stream == self.session else inline(item.stream)
        return f"{_moment(item.at)} · {stream}@{item.version}"


def _item(item: Item, page: _Page) -> Iterator[str]:
    match item:
        case UserSaid():
            yield f"## {_SAID[item.as_input]}"
            yield page.when(item)
            yield from _blocks(item.blocks, page)
        case ModelSaid():
            yield f"## {inline(item.model)}"
            yield page.when(item)
            yield from _blocks(item.blocks, page)
        case ToolUsed():
            yield from _tool(item, page)
        case TurnEnded():
            said = ": ".join(inline(part) for part in (item.code, item.message) if part)
            yield f"*The turn {_ENDED[item.outcome]}{f' ({said})' if said else ''}.* {page.when(item)}"
        case NoticeShown():
            yield f"*{item.severity.capitalize()}: {inline(item.message)}* {page.when(item)}"
        case MemoryShown():
            told = ", ".join(fact.memory_id for fact in item.facts)
            yield f"*Recalled: {inline(told) if told else 'nothing any more'}.* {page.when(item)}"


_SAID = {
    None: "User",
    "steer": "User, meanwhile",
    "follow_up": "User, to follow",
    "repair": "turnlog, to the model",
    "notice": "turnlog, to the model",
    "message": "the team, to the model",
}
_ENDED = {
    "completed": "is complete",
    "empty": "ended without an answer",
    "failed": "failed",
    "cancelled": "was cancelled",
    "suspended": "was put aside",
    "forked": "went on elsewhere",
}


def _tool(used: ToolUsed, page: _Page) -> Iterator[str]:
    yield f"### {inline(used.tool)}: {used.status}"
    facts = [page.when(used), inline(used.call_id)]
    facts += [f"took {used.duration_ms} ms"] if used.duration_ms is not None else []
    facts += [f"attempt {used.attempt}"] if used.attempt > 1 else []
    facts += [f"arguments changed by {inline(used.amended_by)}"] if used.amended_by else []
    facts += [f"denied by {inline(used.denied_by)}"] if used.denied_by else []
    facts += [f"{used.settled_by or 'a person'} said: {used.resolution}"] if used.resolution else []
    yield " · ".join(facts)
    yield fenced(page.text(used.arguments), "json")
    yield from _results(result_of(used).content, page)
    if used.full is not None:
        yield f"*[the model was shown a part of {used.full.size} bytes, sha256 {used.full.sha256[:12]}]*"


def _results(content: tuple[ResultContent, ...], page: _Page) -> Iterator[str]:
    for part in content:
        yield _image(part) if isinstance(part, ImageBlock) else fenced(page.text(part.text))


def _blocks(blocks: tuple[ModelBlock, ...], page: _Page) -> Iterator[str]:
    """Calls are left out: each has a heading of its own."""
    for block in blocks:
        match block:
            case TextBlock():
                yield prose(page.text(block.text))
            case ThinkingBlock():
                yield "*Thinking:*"
                yield prose(page.text(block.text))
            case ImageBlock():
                yield _image(block)
            case ToolSearchBlock():
                yield f"*[tools searched for {inline(block.wanted)}: {inline(block.outcome)}]*"
            case ToolCallBlock():
                pass


def _image(block: ImageBlock) -> str:
    image = block.image
    return f"*[{inline(image.media_type)}, {image.size} bytes, sha256 {image.sha256[:12]}]*"


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
