"""Finding the questions people are asked."""

from turnlog.domain import InvalidInput, Kinds, NotFound, PermissionRequested
from turnlog.projections import Approval

from ..environment import Environment
from ..index import Index

_QUESTIONS: Kinds = frozenset({PermissionRequested})


async def asked_of(env: Environment, session_id: str, request_id: str) -> PermissionRequested:
    """What a person is asked, as it was recorded. Raises NotFound, StoreError."""
    for record in reversed(await env.log.read(session_id, kinds=_QUESTIONS)):
        event = record.event
        if isinstance(event, PermissionRequested) and event.request_id == request_id:
            return event
    raise NotFound(f"there is no request {request_id} in session {session_id}; `turnlog approvals` lists them")


async def find_request(index: Index, prefix: str) -> Approval:
    """The one pending request whose id begins with `prefix`. Raises NotFound, InvalidInput, StoreError."""
    found = [approval for approval in await index.approvals() if approval.request_id.startswith(prefix)]
    if not prefix or not found:
        raise NotFound(f"no pending request begins with {prefix!r}; `turnlog approvals` lists them")
    if len(found) > 1:
        shown = ", ".join(approval.request_id for approval in found[:5])
        raise InvalidInput(f"{prefix!r} could be any of {shown}; write more of it")
    return found[0]
