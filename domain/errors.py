"""The one error tree of turnlog.

    TurnlogError                      exit 1
    ├─ InvalidInput                   exit 2   a value that cannot be used: URL, address, arguments
    ├─ NotFound                       exit 3   no such session, version, request, rule, call or blob
    │  └─ BlobMissing
    ├─ PermissionNeeded               exit 4   a person has to answer first, or has refused
    ├─ Conflict                       exit 5   somebody else wrote, or is at work
    │  ├─ VersionConflict
    │  ├─ SessionBusy
    │  └─ SessionLost
    ├─ CommandRefused                 exit 1   the session is in no state for this command
    │  └─ NothingToResume
    ├─ ApproverFailed                 exit 1   the approver at hand raised; the question stays open
    ├─ VerificationFailed             exit 6   the log is not what was recorded
    ├─ OutcomeUnknown                 exit 7   an effect may have happened; a person has to say
    ├─ ToolsUnavailable               exit 1   what tools come from is not there, or offers what cannot be used
    ├─ StoreError                     exit 1   the database refuses, is full, foreign or not migrated
    │  ├─ SchemaMissing
    │  ├─ SchemaNewer
    │  ├─ CorruptRecord
    │  ├─ BlobDamaged
    │  ├─ StoreClosed
    │  └─ UnsafeStore
    ├─ ProjectionStopped              exit 1   tables go no further: an event was refused, or the log is another
    ├─ ModelError                     exit 1   a provider failed, typed by `ModelFailure`
    ├─ TurnFailure                    exit 1   a turn ended in `TurnFailed`
    │  ├─ TurnRefused                 exit 4   since one call after the other was denied
    │  ├─ LimitReached                exit 1   since a limit was reached
    │  └─ CrashLoop                   exit 1   since one worker after the other died at the same step
    └─ TurnInterrupted                exit 130 a turn was cancelled

Every message is one line: what happened, to what, and what to do.
"""

from typing import ClassVar


class TurnlogError(Exception):
    """Anything turnlog refuses or fails to do; `code` is stable, `exit_code` is the CLI's."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    @property
    def message(self) -> str:
        """The one line shown to a person."""
        return " ".join(str(self).split())


class InvalidInput(TurnlogError):
    """A value that cannot be used as given."""

    code = "invalid_input"
    exit_code = 2


class NotFound(TurnlogError):
    """Nothing there by that name."""

    code = "not_found"
    exit_code = 3


class BlobMissing(NotFound):
    """A body the log speaks of is not kept here (any more)."""

    code = "blob_missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"body {sha256[:64]!a} is missing here; restore it from a backup, or fork from before it")
        self.sha256 = sha256


class PermissionNeeded(TurnlogError):
    """A person has to answer first, or has refused."""

    code = "permission_needed"
    exit_code = 4


class Conflict(TurnlogError):
    """Somebody else wrote first, or is at work."""

    code = "conflict"
    exit_code = 5


class VersionConflict(Conflict):
    """The stream is no longer at the version the append expected."""

    code = "version_conflict"

    def __init__(self, stream: str, expected: int) -> None:
        super().__init__(f"stream {stream} is not at version {expected}; read it again")
        self.stream = stream
        self.expected = expected


class SessionBusy(Conflict):
    """A worker holds the session. `free_in` is in how many seconds another may take it if that one stays silent."""

    code = "session_busy"

    def __init__(self, message: str, free_in: float | None = None) -> None:
        super().__init__(message)
        self.free_in = free_in


class SessionLost(Conflict):
    """This worker no longer holds the session; it has to stop."""

    code = "session_lost"


class CommandRefused(TurnlogError):
    """The session is in no state for this command."""

    code = "refused"


class NothingToResume(CommandRefused):
    """No turn is waiting to go on."""

    code = "nothing_to_resume"


class ApproverFailed(TurnlogError):
    """The approver at hand raised, or answered what cannot be; the question stays open."""

    code = "approver_failed"


class VerificationFailed(TurnlogError):
    """The log, or a body, is not what was recorded."""

    code = "verification_failed"
    exit_code = 6


class OutcomeUnknown(TurnlogError):
    """An effect may or may not have happened; a person has to say which. Tools raise it where they cannot tell."""

    code = "outcome_unknown"
    exit_code = 7


class ToolsUnavailable(TurnlogError):
    """What tools come from is not there: a server that does not start or answer, or offers what cannot be used."""

    code = "tools_unavailable"


class StoreError(TurnlogError):
    """The database refuses: full, unreachable, foreign, damaged."""

    code = "store"


class SchemaMissing(StoreError):
    """The database has no turnlog schema, or half of one."""

    code = "schema_missing"


class SchemaNewer(StoreError):
    """The schema was made by a newer turnlog."""

    code = "schema_newer"


class CorruptRecord(StoreError):
    """A stored event cannot be read as what its topic says."""

    code = "corrupt_record"


class BlobDamaged(StoreError):
    """The bytes kept under a body's SHA-256 are not those of the body."""

    code = "blob_damaged"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"body {sha256[:64]!a} is damaged here; restore it from a backup, or fork from before it")
        self.sha256 = sha256


class StoreClosed(StoreError):
    """The store was closed while somebody still used it."""

    code = "store_closed"


class UnsafeStore(StoreError):
    """The database fails checks of `turnlog doctor`, and was to be opened strictly."""

    code = "unsafe_store"


class ProjectionStopped(TurnlogError):
    """A projection goes no further; what it holds is right up to there. `projection` is its name."""

    code = "projection_stopped"

    def __init__(self, projection: str, message: str) -> None:
        super().__init__(message)
        self.projection = projection


class TurnFailure(TurnlogError):
    """A turn ended in `TurnFailed`; what was done stays done."""

    code = "turn_failed"


class TurnRefused(TurnFailure):
    """A turn ended because one call after the other was denied."""

    code = "denied"
    exit_code = 4


class LimitReached(TurnFailure):
    """A turn ended because a limit of it, or of its session, was reached; `limit` is the code the log has for it."""

    code = "limit_reached"

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class CrashLoop(TurnFailure):
    """A turn ended because one worker after the other died, or was lost, at the same step."""

    code = "crash_loop"


class TurnInterrupted(TurnlogError):
    """A turn was cancelled."""

    code = "turn_cancelled"
    exit_code = 130
