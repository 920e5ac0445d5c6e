"""What a model is told about a tool call: its result, or the truth about why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC

from turnlog.domain import READ_TOOL_RESULT, ImageBlock, ResultContent, TextBlock, ToolResultBlock, text_size

from .call_status import CallStatus
from .items import ToolUsed


def result_of(used: ToolUsed) -> ToolResultBlock:
    """The one answer to a call, whatever became of it."""
    if used.status in ("finished", "failed"):
        if used.elided:
            return _block(used, (TextBlock(text=elision_of(used)),), is_error=used.is_error)
        return _block(used, _said(used), is_error=used.is_error)
    said = TextBlock(text=_WORDS[used.status](used))
    stated = () if used.stated is None else (TextBlock(text=used.stated),)
    return _block(used, (said, *stated), is_error=used.resolution != "did")


def elision_of(used: ToolUsed) -> str:
    """The line that stands for a result that was elided: what it was, and how to read it."""
    size = sum(_size(block) for block in used.content)
    return (
        f"[Notice of turnlog: this result ({size:,} bytes) was elided to save room; "
        f'{READ_TOOL_RESULT} with call_id "{used.call_id}" shows it]'
    )


def _size(block: ResultContent) -> int:
    if isinstance(block, ImageBlock):
        return block.image.size
    return text_size(block.text)


def is_blank(block: TextBlock) -> bool:
    """Whether a provider would take the text for empty."""
    return not block.text.strip() if isinstance(block.text, str) else block.text.size == 0


def _block(used: ToolUsed, content: tuple[ResultContent, ...], *, is_error: bool) -> ToolResultBlock:
    return ToolResultBlock(call_id=used.call_id, name=used.tool, content=content, is_error=is_error)


def _said(used: ToolUsed) -> tuple[ResultContent, ...]:
    content = tuple(block for block in used.content if isinstance(block, ImageBlock) or not is_blank(block))
    nothing = "(the tool failed and said nothing)" if used.is_error else "(no output)"
    return content or (TextBlock(text=nothing),)


def _waiting(used: ToolUsed) -> str:
    return "This call has not run: it waits for a person's approval."


def _not_run(used: ToolUsed) -> str:
    return "This call has not run yet."


def _refused(used: ToolUsed) -> str:
    return f"This call was not run: a person refused it{_because(used)}."


def _running(used: ToolUsed) -> str:
    return "This call was started and no outcome was recorded; whether it took effect is unknown."


def _unknown(used: ToolUsed) -> str:
    return f"This call was started and interrupted; its outcome is unknown, it may have taken effect{_because(used)}."


def _denied(used: ToolUsed) -> str:
    return used.reason.strip() or "This call was denied."


def _resolved(used: ToolUsed) -> str:
    who = _who(used)
    if used.resolution == "failed":
        doubt = _unknown(replace(used, reason=""))
        return f"{doubt} Nobody looked, and the turn goes on{who}: find out before you repeat it."
    if used.resolution == "did_not":
        return f"A person confirmed that this call did not take effect{who}."
    known = "what it returned is what they say" if used.stated is not None else "its output was lost"
    return f"A person confirmed that this call took effect; {known}{who}."


def _who(used: ToolUsed) -> str:
    """Who said what became of it, when and why; older logs told the model only the reason."""
    if used.settled_by is None or used.settled_at is None:
        return _because(used)
    reason = used.reason.strip()
    at = f"{used.settled_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f" ({used.settled_by}, {at}{f': {reason}' if reason else ''})"


def _ended(used: ToolUsed) -> str:
    return "This call was not run: the turn ended before it ran."


def _forked(used: ToolUsed) -> str:
    if used.started_at is not None:
        return "This call was started, but not completed before this session was forked; its outcome is unknown here."
    return "This call was not completed before this session was forked."


def _because(used: ToolUsed) -> str:
    reason = used.reason.strip()
    return f" ({reason})" if reason else ""


_WORDS: Mapping[CallStatus, Callable[[ToolUsed], str]] = {
    "proposed": _not_run,
    "waiting": _waiting,
    "allowed": _not_run,
    "refused": _refused,
    "authorized": _not_run,
    "running": _running,
    "denied": _denied,
    "unknown": _unknown,
    "resolved": _resolved,
    "ended": _ended,
    "forked": _forked,
}
