"""Judging calls again: by the rules anew, and by what surrounded the calls then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from turnlog.domain import (
    BlobDamaged,
    BlobMissing,
    Call,
    Evaluation,
    ExactCall,
    Judge,
    JudgedCall,
    PermissionJoined,
    PermissionRequested,
    PermissionRule,
    Permissions,
    Proposal,
    Recorded,
    Recover,
    Run,
    Surroundings,
    Tool,
    ToolCallAuthorized,
    ToolCallDenied,
    ToolCallStarted,
    next_step,
)

from ..bodies import Bodies
from ..permissions.envelopes import envelope_from
from .tape import Tape

_SURROUNDINGS: Final = TypeAdapter(Surroundings)


class ReplayPermissions:
    """Judges by the rules anew, and takes what surrounded the calls from the record; looks nothing up."""

    def __init__(self, permissions: Permissions, tape: Tape, looked_up: Mapping[str, Surroundings]) -> None:
        self._permissions = permissions
        self._tape = tape
        self._looked_up = looked_up
        self._cited = _cited(tape.record)

    def surroundings(self, tool: Tool, call: JudgedCall) -> Surroundings:
        """What surrounded the call then, where the record says so."""
        found = self._call()
        if found is None:
            return Surroundings()
        asked = self._question(found)
        return self._looked_up.get(asked or "", Surroundings(sandbox=self._sandbox(found)))

    def judge(self, rules: Sequence[PermissionRule], call: JudgedCall) -> Evaluation:
        """What the rules say. An exact rule that was cited for the call is one for this very call."""
        found = self._call()
        cited = self._cited.get(found.call_id, frozenset()) if found is not None else frozenset[str]()
        exact = [rule.matcher.digest for rule in rules if rule.id in cited and isinstance(rule.matcher, ExactCall)]
        return self._permissions.judge(rules, replace(call, exact=exact[0]) if exact else call)

    def proposals(self, call: JudgedCall) -> tuple[Proposal, ...]:
        """Nothing: nobody is asked anything."""
        return ()

    def pack(self, name: str) -> tuple[PermissionRule, ...]:
        """The rules of a pack. Raises InvalidInput."""
        return self._permissions.pack(name)

    def faults(self, rule: PermissionRule, workspace: Path | None) -> tuple[str, ...]:
        """What is wrong with a rule by its own examples."""
        return self._permissions.faults(rule, workspace)

    def _call(self) -> Call | None:
        """The call the engine is looking at; of several that run side by side nothing is to be looked up."""
        worker = self._tape.worker
        match None if worker is None else next_step(worker.session):
            case Judge(call) | Recover((call,)) | Run((call,)):
                return call
            case _:
                return None

    def _question(self, call: Call) -> str | None:
        """The question that was put about the call: the one there is, or the one that is to be put now."""
        if call.state != "proposed":
            return call.request_id
        worker = self._tape.worker
        version = 0 if worker is None else worker.session.version
        for record in self._tape.record[version:]:
            event = record.event
            if isinstance(event, PermissionRequested | PermissionJoined) and event.call_id == call.call_id:
                return event.request_id
        return None

    def _sandbox(self, call: Call) -> str:
        started = (record.event for record in self._tape.record if isinstance(record.event, ToolCallStarted))
        return next((event.sandbox for event in started if event.call_id == call.call_id), "none")


def _cited(record: Sequence[Recorded]) -> Mapping[str, frozenset[str]]:
    """The rules that decided, by the ids of the calls."""
    return {
        event.call_id: frozenset(event.evaluation.rules)
        for each in record
        if isinstance(event := each.event, ToolCallAuthorized | ToolCallDenied) and event.evaluation is not None
    }


async def looked_up(record: Sequence[Recorded], bodies: Bodies) -> Mapping[str, Surroundings]:
    """What surrounded calls that people were asked about, by the ids of the questions. Raises StoreError."""
    found: dict[str, Surroundings] = {}
    for each in record:
        event = each.event
        if isinstance(event, PermissionRequested) and event.envelope is not None:
            try:
                fields = envelope_from(await bodies.text(event.envelope)).fields
                kept = fields.get("surroundings")
                known = {**kept, "sandbox": fields.get("sandbox")} if isinstance(kept, dict) else {}
                found[event.request_id] = _SURROUNDINGS.validate_python(known)
            except (ValidationError, BlobMissing, BlobDamaged):
                continue
    return found
