"""The projections into tables that every turnlog knows."""

from typing import Final

from .calls import CALL_TABLE
from .decisions import DECISION_TABLE
from .memories import MEMORY_TABLE
from .runnable import RUNNABLE_TABLE
from .sessions import SESSION_TABLE
from .table import TableProjection
from .texts import TEXT_TABLE
from .usage import USAGE_TABLE

SHIPPED: Final[tuple[TableProjection, ...]] = (
    SESSION_TABLE,
    CALL_TABLE,
    DECISION_TABLE,
    USAGE_TABLE,
    TEXT_TABLE,
    RUNNABLE_TABLE,
    MEMORY_TABLE,
)
