"""Projections of the whole log into tables, to be asked by SQL."""

from typing import Final

from .calls import CALL_ROWS, CALL_TABLE, call_of
from .decisions import DECISION_ROWS, DECISION_TABLE, decision_of
from .memories import MEMORY_ROWS, MEMORY_TABLE, MemoryQuery, best_first, query_of, ranked
from .rows import NothingStored, Rows, Stored
from .runnable import RUNNABLE_ROWS, RUNNABLE_TABLE, unfinished_of
from .sessions import SESSION_TABLE, SESSIONS_ROWS, metadata_of, quoted_tag
from .table import Batch, Kind, ReadsBodies, Row, Table, TableFold, TableProjection
from .texts import TEXT_KINDS, TEXT_ROWS, TEXT_TABLE, Found, TextKind, texts_of
from .usage import USAGE_ROWS, USAGE_TABLE
from .words import Phrase, excerpt, phrases_of, words_of

SHIPPED: Final[tuple[TableProjection, ...]] = (
    SESSION_TABLE,
    CALL_TABLE,
    DECISION_TABLE,
    USAGE_TABLE,
    TEXT_TABLE,
    RUNNABLE_TABLE,
    MEMORY_TABLE,
)
"""Those that every turnlog knows."""

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
