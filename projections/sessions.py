"""All sessions at a glance, from the global log."""

from turnlog.domain import Recorded

from .metadata import Metadata, take_in
from .projection import Projection


def _fold(sessions: dict[str, Metadata], recorded: Recorded) -> dict[str, Metadata]:
    """Each session is what its own stream says; streams that began no session, such as rule books, are left out."""
    metadata = take_in(sessions.get(recorded.stream), recorded)
    if metadata is not None:
        sessions[recorded.stream] = metadata
    return sessions


SESSIONS: Projection[dict[str, Metadata]] = Projection("sessions", 4, dict[str, Metadata], _fold)
