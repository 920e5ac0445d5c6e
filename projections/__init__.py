"""What the log looks like from different sides: pure folds, and what is read from them."""

from importlib import import_module
from typing import TYPE_CHECKING

from . import tables
from .approvals import APPROVALS, Approval, approvals_of
from .background import BACKGROUND, TaskRows
from .background_words import how_it_stands
from .call_status import CallStatus
from .call_summaries import KnownCall
from .calls import TOOL_CALLS, CallRow, Step, ToolCalls
from .compactions import HEADING, Compacted, Compactions, cut_after
from .covers import covers
from .gist import gist_of
from .items import Item, MemoryShown, ModelSaid, NoticeShown, ToolUsed, TurnEnded, TurnOutcome, UserSaid
from .lineage import Children, children_of, subtree
from .messages import messages, messages_before
from .metadata import METADATA, Metadata
from .projection import Projection, project
from .read_models import Build, Gone, ReadTables, Refused, Stopped, TextQuery
from .room import BYTES_PER_TOKEN, Cut, Length, cut_for, elidable, length_of, saved_by, text_size
from .rules import RULES
from .runnable import AWAKENING, RUNNABLE, STILLING, Standing, Unfinished
from .runner import Runner, Target, Tell
from .session_query import STATUSES, SessionOrder, SessionQuery, folded
from .sessions import SESSIONS
from .shown import one_line
from .summarising import SUMMARISER, answers_replaced, summary_question
from .tables import (
    MEMORY_ROWS,
    MEMORY_TABLE,
    RUNNABLE_ROWS,
    RUNNABLE_TABLE,
    SESSION_TABLE,
    SESSIONS_ROWS,
    SHIPPED,
    TEXT_KINDS,
    TEXT_ROWS,
    TEXT_TABLE,
    USAGE_TABLE,
    Batch,
    Found,
    Kind,
    MemoryQuery,
    Phrase,
    Row,
    Rows,
    Table,
    TableFold,
    TableProjection,
    TextKind,
    best_first,
    excerpt,
    metadata_of,
    phrases_of,
    query_of,
    quoted_tag,
    ranked,
    unfinished_of,
    words_of,
)
from .timeline import TIMELINE, WIDTH, Line, Timeline, line
from .transcript import TRANSCRIPT, Transcript, replay
from .unknown_calls import UNKNOWN_CALLS, UnknownCall, UnknownCalls
from .usage import USAGE, Costs, UsageTotals, add_usage
from .usage_sums import USAGE_BY, UsageBy, UsageSum, of_sessions, summed, usage_rows
from .validity import conversation_problems
from .view import view
from .visible import quoted, visible
from .words import Tone

if TYPE_CHECKING:
    from . import exports
else:  # or every name would count as one that is here

    def __getattr__(name: str) -> object:
        """Import `exports` once somebody asks for it; the others do not wait."""
        if name != "exports":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(".exports", __name__)


__all__ = [
    "UNKNOWN_CALLS",
    "UnknownCall",
    "UnknownCalls",
    "HEADING",
    "Compacted",
    "Compactions",
    "cut_after",
    "messages_before",
    "BYTES_PER_TOKEN",
    "Cut",
    "Length",
    "cut_for",
    "elidable",
    "length_of",
    "saved_by",
    "text_size",
    "SUMMARISER",
    "answers_replaced",
    "summary_question",
    "MEMORY_ROWS",
    "MEMORY_TABLE",
    "MemoryQuery",
    "best_first",
    "query_of",
    "ranked",
    "words_of",
    "exports",
    "tables",
    "STATUSES",
    "folded",
    "Build",
    "Children",
    "USAGE_BY",
    "USAGE_TABLE",
    "UsageBy",
    "UsageSum",
    "children_of",
    "of_sessions",
    "subtree",
    "summed",
    "usage_rows",
    "Gone",
    "ReadTables",
    "Refused",
    "Stopped",
    "TextQuery",
    "Runner",
    "Target",
    "Tell",
    "Batch",
    "Found",
    "Kind",
    "Phrase",
    "Row",
    "Rows",
    "SESSIONS_ROWS",
    "SESSION_TABLE",
    "SHIPPED",
    "TEXT_KINDS",
    "TEXT_ROWS",
    "TEXT_TABLE",
    "Table",
    "TableFold",
    "TableProjection",
    "TextKind",
    "excerpt",
    "metadata_of",
    "phrases_of",
    "SessionOrder",
    "SessionQuery",
    "BACKGROUND",
    "TaskRows",
    "how_it_stands",
    "quoted",
    "quoted_tag",
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
    "MemoryShown",
    "Projection",
    "RULES",
    "AWAKENING",
    "RUNNABLE",
    "STILLING",
    "RUNNABLE_ROWS",
    "RUNNABLE_TABLE",
    "Standing",
    "Unfinished",
    "unfinished_of",
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
