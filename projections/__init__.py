"""What the log looks like from different sides: pure folds, and what is read from them."""

from .approvals import APPROVALS, Approval, approvals_of
from .call_status import CallStatus
from .call_summaries import KnownCall
from .calls import TOOL_CALLS, CallRow, Step, ToolCalls
from .covers import covers
from .gist import gist_of
from .items import Item, ModelSaid, NoticeShown, ToolUsed, TurnEnded, TurnOutcome, UserSaid
from .messages import messages
from .metadata import METADATA, Metadata
from .projection import Projection, project
from .rules import RULES
from .sessions import SESSIONS
from .shown import one_line
from .summaries import Tone
from .timeline import TIMELINE, WIDTH, Line, Timeline, line
from .transcript import TRANSCRIPT, Transcript, replay
from .usage import USAGE, Costs, UsageTotals, add_usage
from .validity import conversation_problems
from .view import view
from .visible import quoted, visible

__all__ = [
    "quoted",
    "visible",
    "APPROVALS",
    "Approval",
    "CallRow",
    "CallStatus",
    "Costs",
    "Item",
    "KnownCall",
    "Line",
    "METADATA",
    "Metadata",
    "ModelSaid",
    "NoticeShown",
    "Projection",
    "RULES",
    "SESSIONS",
    "Step",
    "TIMELINE",
    "TOOL_CALLS",
    "TRANSCRIPT",
    "Timeline",
    "Tone",
    "ToolCalls",
    "ToolUsed",
    "Transcript",
    "TurnEnded",
    "TurnOutcome",
    "USAGE",
    "UsageTotals",
    "UserSaid",
    "WIDTH",
    "add_usage",
    "approvals_of",
    "conversation_problems",
    "covers",
    "gist_of",
    "line",
    "messages",
    "one_line",
    "project",
    "replay",
    "view",
]
