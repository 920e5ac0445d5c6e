"""`read_tool_result`: the whole of an earlier result, page by page, from the log; after a restart and in forks too."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

from turnlog.domain import READ_TOOL_RESULT, ImageBlock, TextBlock, ToolContext, ToolOutput, ToolSpec
from turnlog.projections import TRANSCRIPT, ToolUsed, Transcript, project

from ..environment import Environment
from ..histories import history
from ..showing import shown_call
from .pages import Page, Place, count_lines, page_of, with_line_end

_LISTED = 20
_LARGEST = 2**53 - 1
_FROM_ONE: dict[str, JsonValue] = {"type": "integer", "minimum": 1, "maximum": _LARGEST}

_SPEC = ToolSpec(
    name=READ_TOOL_RESULT,
    description="Read the whole of an earlier tool result of this session that was too long to be shown, page by page. "
    "The notice at the end of a result that was cut has its call_id and says where to go on.",
    parameters={
        "type": "object",
        "properties": {
            "call_id": {"type": "string", "description": "Which result: the id in its notice."},
            "offset": {**_FROM_ONE, "default": 1, "description": "The line to begin with, counted from 1."},
            "character": {
                **_FROM_ONE,
                "default": 1,
                "description": "The character of that line to begin with, for a line too long for one page.",
            },
            "limit": {**_FROM_ONE, "description": "Most lines to return; otherwise as many as fit on a page."},
        },
        "required": ["call_id"],
        "additionalProperties": False,
    },
    effect="pure",
)


class _Wanted(BaseModel):
    call_id: str
    offset: int = 1
    character: int = 1
    limit: int | None = None


def with_reader(names: Sequence[str]) -> tuple[str, ...]:
    """The names of tools to offer: where there are any, the one that reads their results belongs to them.

    It comes last and from the start, so that the beginning of every request stays the same for the provider's cache.
    """
    return (*names, READ_TOOL_RESULT) if names and READ_TOOL_RESULT not in names else tuple(names)


class ReadToolResult:
    """The tool, for all sessions of a log: the context of a call says which session is meant."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return _SPEC

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with every argument."""
        return shown_call(READ_TOOL_RESULT, arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """A page of the result, and a line that says what it is. Raises StoreError, BlobMissing, BlobDamaged."""
        wanted = _Wanted.model_validate(dict(arguments))
        transcript = project(TRANSCRIPT, await history(self._env.log, context.session_id))
        used = transcript.call(wanted.call_id)
        if used is None or not _has_result(used):
            return ToolOutput((_unknown(wanted.call_id, transcript),), is_error=True)
        text = await self._text(used)
        lines = count_lines(text)
        if wanted.offset > max(lines, 1):
            return ToolOutput((f"the result has {lines:,} lines, so none at offset {wanted.offset:,}",), is_error=True)
        return ToolOutput((self._page(wanted, text, used),))

    async def _text(self, used: ToolUsed) -> str:
        if used.full is not None:
            return await self._env.bodies.text(used.full)
        texts = [await self._env.bodies.text(part.text) for part in used.content if isinstance(part, TextBlock)]
        return "\n".join(texts)

    def _page(self, wanted: _Wanted, text: str, used: ToolUsed) -> str:
        settings = self._env.settings
        start = Place(wanted.offset, wanted.character)
        most = min(wanted.limit or settings.result_lines, settings.result_lines)
        page = page_of(text, start, most, settings.result_bytes)
        images = sum(isinstance(part, ImageBlock) for part in used.content)
        left_out = f"; images of the result, not repeated: {images}" if images else ""
        return f"{with_line_end(page.text)}[{_extent(start, page, count_lines(text))}{left_out}]"


def _extent(start: Place, page: Page, lines: int) -> str:
    """What a page is of the whole, and where the next one begins."""
    after = page.following
    last = lines if after is None else after.line - 1
    if after is not None and after.line == start.line:
        shown = f"characters {start.character:,} to {after.character - 1:,} of line {start.line:,} of {lines:,}"
    else:
        within = f" (from its character {start.character:,})" if start.character > 1 else ""
        shown = f"lines {start.line:,}{within} to {last:,} of {lines:,}"
    if after is None:
        return f"{shown}; this is the end"
    within = f", character {after.character}" if after.character > 1 else ""
    return f"{shown}; more at offset {after.line}{within}"


def _has_result(used: ToolUsed) -> bool:
    return used.status in ("finished", "failed")


def _unknown(call_id: str, transcript: Transcript) -> str:
    calls = [item for item in transcript.items if isinstance(item, ToolUsed) and _has_result(item)]
    readable = [call for call in reversed(calls) if call.tool != READ_TOOL_RESULT]
    listed = [f"  {call.call_id}  {call.tool}{'  (was cut)' if call.full else ''}" for call in readable[:_LISTED]]
    more = [f"  and {len(readable) - _LISTED:,} earlier ones"] if len(readable) > _LISTED else []
    there_is = "These can be read, the latest first:" if listed else "There is no result to read yet."
    return "\n".join([f"There is no result with call_id {call_id!r}. {there_is}", *listed, *more])
