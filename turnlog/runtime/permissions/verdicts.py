"""Recording what was decided on a call."""

from datetime import datetime
from pathlib import Path

from turnlog.domain import Actor, Call, Stamp, commands

from ..worker import Worker
from .envelopes import Envelope, Occasion
from .looking import Look

POLICY = Actor(kind="policy", id="rules")


def authorize(worker: Worker, call: Call, grant: commands.tools.Grant) -> None:
    """Let a call run."""
    by, epoch = policy_stamp(worker), worker.epoch
    worker.decide(lambda session: commands.tools.authorize(session, by, epoch, call.call_id, grant))


def deny(worker: Worker, call: Call, denial: commands.tools.Denial) -> None:
    """Answer a call with a refusal."""
    gate = denial.source if denial.by == "hook" else None
    by, epoch = policy_stamp(worker) if gate is None else worker.env.stamp(Actor(kind="policy", id=gate)), worker.epoch
    worker.decide(lambda session: commands.tools.deny(session, by, epoch, call.call_id, denial))


def outdate(worker: Worker, call: Call, changed: tuple[str, ...]) -> None:
    """Let a call be judged again that is no longer what was authorised; one that keeps changing is denied."""
    if call.outdated >= worker.env.settings.most_outdated:
        said = f"it kept changing between being allowed and being run ({', '.join(changed)})"
        deny(worker, call, commands.tools.Denial("policy", said, "changing"))
        return
    by, epoch = policy_stamp(worker), worker.epoch
    worker.decide(lambda session: commands.permissions.outdate(session, by, epoch, call.call_id, changed))


def envelope_of(worker: Worker, call: Call, look: Look, attempt: int, expires_at: datetime | None = None) -> Envelope:
    """The envelope of a call at an attempt, as it is now."""
    return look.envelope(Occasion(worker.session.id, call.call_id, attempt, look.policy.digest, expires_at))


def workspace_of(worker: Worker) -> Path | None:
    """The directory the session's tools may touch."""
    return None if worker.session.workspace is None else Path(worker.session.workspace)


def policy_stamp(worker: Worker) -> Stamp:
    """Now, by the rules."""
    return worker.env.stamp(POLICY)
