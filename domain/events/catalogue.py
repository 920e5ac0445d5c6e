"""The table of topics: stored name -> event class. A topic outside this table is refused unread."""

from collections.abc import Mapping
from types import MappingProxyType

from .background import (
    BackgroundTaskFinished,
    BackgroundTaskLost,
    BackgroundTaskOutput,
    BackgroundTaskStarted,
    BackgroundTaskStopRequested,
)
from .base import Event
from .context import (
    CompactionCompleted,
    CompactionFailed,
    CompactionRequested,
    CompactionStarted,
    CompactionUndone,
    ToolResultsElided,
)
from .input import InputDelivered, InputQueued
from .lease import LeaseReleased, LeaseTaken
from .memory import (
    MemoryForgotten,
    MemoryIngested,
    MemoryPinned,
    MemoryRecalled,
    MemorySourceForgotten,
    MemoryStored,
)
from .model import ModelFailed, ModelRequested, ModelResponded
from .permission import (
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionStale,
    PermissionWithdrawn,
)
from .rule import RuleRemembered, RuleRevoked, RuleUsed
from .session import (
    NoticeRaised,
    SessionClosed,
    SessionConfigured,
    SessionForked,
    SessionRenamed,
    SessionStarted,
    SessionTagged,
)
from .subagent import SubagentFinished, SubagentResumed, SubagentSpawned, SubagentSuspended
from .task import (
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskCompleted,
    TaskDropped,
    TaskReleased,
    TaskReopened,
)
from .team import (
    MessageArrived,
    MessagesDelivered,
    MessageSent,
    RequestAnswered,
    TeammateJoined,
    TeammateLeft,
)
from .tool import (
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutcomeResolved,
    ToolOutcomeUnknown,
)
from .toolset import (
    ToolProfileChosen,
    ToolsArranged,
    ToolSearchChosen,
    ToolsFound,
)
from .turn import TurnCancelled, TurnCompleted, TurnFailed, TurnResumed, TurnStarted, TurnStopRequested, TurnSuspended

EVENTS: tuple[type[Event], ...] = (
    SessionStarted,
    SessionForked,
    SessionRenamed,
    SessionTagged,
    SessionConfigured,
    SessionClosed,
    NoticeRaised,
    TurnStarted,
    TurnCompleted,
    TurnFailed,
    TurnCancelled,
    TurnSuspended,
    TurnResumed,
    TurnStopRequested,
    InputQueued,
    InputDelivered,
    ModelRequested,
    ModelResponded,
    ModelFailed,
    ToolCallAmended,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallStarted,
    ToolCallFinished,
    ToolOutcomeUnknown,
    ToolOutcomeResolved,
    PermissionRequested,
    PermissionJoined,
    PermissionEndorsed,
    PermissionResolved,
    PermissionExpired,
    PermissionWithdrawn,
    PermissionStale,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    LeaseTaken,
    LeaseReleased,
    BackgroundTaskStarted,
    BackgroundTaskOutput,
    BackgroundTaskStopRequested,
    BackgroundTaskFinished,
    BackgroundTaskLost,
    TaskAdded,
    TaskChanged,
    TaskClaimed,
    TaskReleased,
    TaskCompleted,
    TaskReopened,
    TaskDropped,
    MemoryStored,
    MemoryPinned,
    MemoryForgotten,
    MemorySourceForgotten,
    MemoryIngested,
    MemoryRecalled,
    CompactionRequested,
    CompactionStarted,
    CompactionCompleted,
    CompactionFailed,
    CompactionUndone,
    ToolResultsElided,
    SubagentSpawned,
    SubagentSuspended,
    SubagentResumed,
    SubagentFinished,
    TeammateJoined,
    TeammateLeft,
    MessageSent,
    RequestAnswered,
    MessageArrived,
    MessagesDelivered,
    ToolsArranged,
    ToolProfileChosen,
    ToolsFound,
    ToolSearchChosen,
)


def topic_of(event: Event | type[Event]) -> str:
    """The stored name of an event, such as `TurnStarted/1`."""
    cls = event if isinstance(event, type) else type(event)
    return _NAMES.get(cls) or _name(cls)


def _name(cls: type[Event]) -> str:
    return f"{cls.__name__}/{cls.revision}"


_NAMES: Mapping[type[Event], str] = {cls: _name(cls) for cls in EVENTS}


TOPICS: Mapping[str, type[Event]] = MappingProxyType({name: cls for cls, name in _NAMES.items()})
