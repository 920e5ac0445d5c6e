"""What the log looks like from different sides: pure folds, and what is read from them."""

from typing import TYPE_CHECKING

from turnlog.domain import on_demand

if TYPE_CHECKING:
    from . import exports, tables
    from .approvals import APPROVALS, Approval, approvals_of
    from .background import BACKGROUND, TaskRows
    from .background_words import how_it_stands, signal_name
    from .call_status import CallStatus
    from .call_summaries import KnownCall
    from .calls import TOOL_CALLS, CallRow, Step, ToolCalls
    from .compactions import HEADING, Compacted, Compactions, cut_after
    from .covering import covers
    from .files_changed import FILES_CHANGED, FileChange, TouchedFile
    from .gist import gist_of
    from .items import Item, MemoryShown, ModelSaid, NoticeShown, ToolUsed, TurnEnded, TurnOutcome, UserSaid
    from .json_view import view
    from .lineage import Children, Placed, children_of, in_tree, subtree
    from .metadata import METADATA, Metadata
    from .projection import Projection, project
    from .provider_messages import messages, messages_before
    from .read_models import Build, Gone, ReadTables, Refused, Stopped, TextQuery
    from .room import BYTES_PER_TOKEN, Cut, Length, cut_for, elidable, length_of, saved_by
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
    from .unsettled import UNSETTLED, Unsettled
    from .usage import USAGE, Costs, UsageTotals, add_usage
    from .usage_sums import USAGE_BY, UsageBy, UsageRows, UsageSum, of_sessions, summed, usage_rows
    from .validity import conversation_problems
    from .visibility import quoted, visible
    from .words import Tone

__all__ = [
    "FILES_CHANGED",
    "FileChange",
    "TouchedFile",
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
    "UsageRows",
    "UsageSum",
    "children_of",
    "in_tree",
    "Placed",
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
    "signal_name",
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
    "UNSETTLED",
    "Unsettled",
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

if not TYPE_CHECKING:  # or every name would count as one that is here
    __getattr__ = on_demand(
        __name__,
        {
            "approvals": "APPROVALS Approval approvals_of",
            "background": "BACKGROUND TaskRows",
            "background_words": "how_it_stands signal_name",
            "call_status": "CallStatus",
            "call_summaries": "KnownCall",
            "calls": "TOOL_CALLS CallRow Step ToolCalls",
            "compactions": "HEADING Compacted Compactions cut_after",
            "covering": "covers",
            "exports": "exports",
            "files_changed": "FILES_CHANGED FileChange TouchedFile",
            "gist": "gist_of",
            "items": "Item MemoryShown ModelSaid NoticeShown ToolUsed TurnEnded TurnOutcome UserSaid",
            "json_view": "view",
            "lineage": "Children Placed children_of in_tree subtree",
            "metadata": "METADATA Metadata",
            "projection": "Projection project",
            "provider_messages": "messages messages_before",
            "read_models": "Build Gone ReadTables Refused Stopped TextQuery",
            "room": "BYTES_PER_TOKEN Cut Length cut_for elidable length_of saved_by",
            "rules": "RULES",
            "runnable": "AWAKENING RUNNABLE STILLING Standing Unfinished",
            "runner": "Runner Target Tell",
            "session_query": "STATUSES SessionOrder SessionQuery folded",
            "sessions": "SESSIONS",
            "shown": "one_line",
            "summarising": "SUMMARISER answers_replaced summary_question",
            "tables": (
                "tables MEMORY_ROWS MEMORY_TABLE RUNNABLE_ROWS RUNNABLE_TABLE SESSION_TABLE SESSIONS_ROWS SHIPPED "
                "TEXT_KINDS TEXT_ROWS TEXT_TABLE USAGE_TABLE Batch Found Kind MemoryQuery Phrase Row Rows Table "
                "TableFold TableProjection TextKind best_first excerpt metadata_of phrases_of query_of quoted_tag "
                "ranked unfinished_of words_of"
            ),
            "timeline": "TIMELINE WIDTH Line Timeline line",
            "transcript": "TRANSCRIPT Transcript replay",
            "unknown_calls": "UNKNOWN_CALLS UnknownCall UnknownCalls",
            "unsettled": "UNSETTLED Unsettled",
            "usage": "USAGE Costs UsageTotals add_usage",
            "usage_sums": "USAGE_BY UsageBy UsageRows UsageSum of_sessions summed usage_rows",
            "validity": "conversation_problems",
            "visibility": "quoted visible",
            "words": "Tone",
        },
    )
