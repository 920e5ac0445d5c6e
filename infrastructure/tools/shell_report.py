"""What is told of a line that was run: status, time and output for the model, and all that was measured."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from turnlog.domain import ToolOutput
from turnlog.projections import quoted, signal_name

from .capture import Capture
from .children import Usage
from .lines import Finished, Limits
from .telling import Order


def report(finished: Finished, limits: Limits, order: Order, changed: Sequence[str]) -> ToolOutput:
    """The result; `changed` are carve-outs that are no longer what they were, which nothing prevented."""
    ended = finished.ended
    details: dict[str, JsonValue] = {
        "exit_status": ended.status,
        "signal": None if ended.status is None or ended.status >= 0 else signal_name(-ended.status),
        "duration_s": round(ended.seconds, 3),
        "timed_out": ended.timed_out,
        "stdout": ended.stdout.summary(),
        "stderr": ended.stderr.summary(),
        "order": order.summary(),
        "usage": _usage(ended.usage),
    }
    if finished.crowded:
        details["too_many_processes"] = True
    if changed:
        details["changed_read_only"] = list(changed)
    lines = [
        _outcome(finished, limits),
        *(f"changed {quoted(path)}, which is to stay as it is; restore it" for path in changed),
        *_stream("stdout", ended.stdout),
        *_stream("stderr", ended.stderr),
    ]
    failed = ended.timed_out or finished.crowded or ended.status != 0 or bool(changed)
    return ToolOutput(("\n".join(lines),), is_error=failed, details=details)


def _outcome(finished: Finished, limits: Limits) -> str:
    ended = finished.ended
    took = f"{ended.seconds:.2f} s"
    killed = f"was killed with everything it started ({took})"
    if finished.crowded:
        return f"had more than {limits.processes:,} processes at a time and {killed}"
    if ended.timed_out:
        return f"did not finish within {limits.seconds:g} s and {killed}"
    if ended.status is not None and ended.status < 0:
        return f"killed by {signal_name(-ended.status)} after {took}"
    return f"exit status {ended.status} after {took}"


def _stream(name: str, capture: Capture) -> Iterator[str]:
    if capture.size:
        yield f"--- {name}"
        yield capture.text().removesuffix("\n")


def _usage(usage: Usage | None) -> JsonValue:
    if usage is None:
        return None
    return {
        "user_s": round(usage.user_seconds, 3),
        "system_s": round(usage.system_seconds, 3),
        "max_rss_bytes": usage.memory,
    }
