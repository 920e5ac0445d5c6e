"""Projections of the whole log into tables, to be asked by SQL."""

from typing import TYPE_CHECKING

from turnlog.domain import on_demand

if TYPE_CHECKING:
    from .calls import CALL_ROWS, CALL_TABLE, call_of
    from .decisions import DECISION_ROWS, DECISION_TABLE, decision_of
    from .memories import MEMORY_ROWS, MEMORY_TABLE, MemoryQuery, best_first, query_of, ranked
    from .rows import NothingStored, Rows, Stored
    from .runnable import RUNNABLE_ROWS, RUNNABLE_TABLE, unfinished_of
    from .sessions import SESSION_TABLE, SESSIONS_ROWS, metadata_of, quoted_tag
    from .shipped import SHIPPED
    from .table import Batch, Kind, ReadsBodies, Row, Table, TableFold, TableProjection
    from .texts import TEXT_KINDS, TEXT_ROWS, TEXT_TABLE, Found, TextKind, texts_of
    from .usage import USAGE_ROWS, USAGE_TABLE
    from .words import Phrase, excerpt, phrases_of, words_of

__all__ = [
    "Batch",
    "CALL_ROWS",
    "CALL_TABLE",
    "DECISION_ROWS",
    "DECISION_TABLE",
    "Found",
    "Kind",
    "MEMORY_ROWS",
    "MEMORY_TABLE",
    "MemoryQuery",
    "best_first",
    "query_of",
    "ranked",
    "NothingStored",
    "Phrase",
    "RUNNABLE_ROWS",
    "RUNNABLE_TABLE",
    "ReadsBodies",
    "Row",
    "Rows",
    "SESSIONS_ROWS",
    "SESSION_TABLE",
    "SHIPPED",
    "Stored",
    "TEXT_KINDS",
    "TEXT_ROWS",
    "TEXT_TABLE",
    "Table",
    "TableFold",
    "TableProjection",
    "TextKind",
    "USAGE_ROWS",
    "USAGE_TABLE",
    "call_of",
    "decision_of",
    "excerpt",
    "metadata_of",
    "phrases_of",
    "quoted_tag",
    "texts_of",
    "unfinished_of",
    "words_of",
]

if not TYPE_CHECKING:  # or every name would count as one that is here
    __getattr__ = on_demand(
        __name__,
        {
            "calls": "CALL_ROWS CALL_TABLE call_of",
            "decisions": "DECISION_ROWS DECISION_TABLE decision_of",
            "memories": "MEMORY_ROWS MEMORY_TABLE MemoryQuery best_first query_of ranked",
            "rows": "NothingStored Rows Stored",
            "runnable": "RUNNABLE_ROWS RUNNABLE_TABLE unfinished_of",
            "sessions": "SESSION_TABLE SESSIONS_ROWS metadata_of quoted_tag",
            "shipped": "SHIPPED",
            "table": "Batch Kind ReadsBodies Row Table TableFold TableProjection",
            "texts": "TEXT_KINDS TEXT_ROWS TEXT_TABLE Found TextKind texts_of",
            "usage": "USAGE_ROWS USAGE_TABLE",
            "words": "Phrase excerpt phrases_of words_of",
        },
    )
