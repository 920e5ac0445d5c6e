"""Answering a question, from any process and with no agent loaded: everything it takes is in the log."""

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue, ValidationError

from turnlog.domain import (
    ArgvPrefix,
    InvalidInput,
    Matcher,
    ModelRequested,
    PermissionEndorsed,
    PermissionRequested,
    ToolSpec,
    clean,
    commands,
)

from ..environment import Environment
from ..histories import history
from ..turns.arguments import InvalidArguments, parse_arguments
from ..writing import command
from .decisions import PermissionDecision
from .envelopes import envelope_from
from .pending import asked_of

Outcome = Literal["allowed", "denied", "endorsed"]
"""What an answer came to; `endorsed` is a yes that another person has to second."""


async def resolve(env: Environment, session_id: str, request_id: str, decision: PermissionDecision) -> Outcome:
    """Answer a request. Raises NotFound, CommandRefused, InvalidInput, BlobMissing, BlobDamaged, StoreError."""
    asked = await asked_of(env, session_id, request_id)
    # What cannot be shown whole cannot be approved; a no that is not remembered needs no text.
    shown = await env.bodies.text(asked.display) if decision.allow or decision.remember else ""
    answer = commands.answers.Answer(
        decision.allow,
        clean(decision.reason),
        _memory(env, asked, decision, shown),
        await _edit(env, session_id, asked, decision),
    )
    by = env.stamp()
    recorded = await command(env, session_id, lambda session: commands.answers.answer(session, by, request_id, answer))
    if any(isinstance(record.event, PermissionEndorsed) for record in recorded):
        return "endorsed"
    return "allowed" if decision.allow else "denied"


def _memory(
    env: Environment, asked: PermissionRequested, decision: PermissionDecision, shown: str
) -> commands.answers.Memory | None:
    if decision.remember is None:
        if decision.proposal is not None or decision.uses is not None or decision.lifetime is not None:
            raise InvalidInput("a proposal, a number of uses and a lifetime are for answers that are remembered")
        return None
    return commands.answers.Memory(
        env.ids.new("rule"), decision.remember, shown, _matcher(asked, decision), decision.uses, decision.lifetime
    )


def _matcher(asked: PermissionRequested, decision: PermissionDecision) -> Matcher | None:
    """What the rule covers; None for the exact call. A no covers everything that begins as the proposal does."""
    proposals = asked.proposals or ()
    if decision.proposal is None:
        return None
    if not 1 <= decision.proposal <= len(proposals):
        offered = f"1 to {len(proposals)}" if proposals else "none; only the exact call can be remembered"
        raise InvalidInput(f"request {asked.request_id} has no proposal {decision.proposal}; it has {offered}")
    matcher = proposals[decision.proposal - 1].matcher
    if not decision.allow and isinstance(matcher, ArgvPrefix):
        return ArgvPrefix(argv_prefix=matcher.argv_prefix)
    return matcher


async def _edit(
    env: Environment, session_id: str, asked: PermissionRequested, decision: PermissionDecision
) -> commands.answers.Edit | None:
    if decision.arguments is None:
        return None
    if asked.envelope is None:
        raise InvalidInput(
            f"request {asked.request_id} is of an older turnlog and cannot be answered with other arguments"
        )
    text = _as_json(decision.arguments)
    spec = await _spec_of(env, session_id, asked.tool)
    try:
        arguments = parse_arguments(text, spec)
        edited = envelope_from(await env.bodies.text(asked.envelope)).with_input(arguments)
    except InvalidArguments as problem:
        raise InvalidInput(f"the call cannot be made with these arguments: {problem}") from problem
    except ValidationError as error:
        raise InvalidInput(f"the envelope of request {asked.request_id} cannot be read") from error
    return commands.answers.Edit(await env.bodies.keep(text), edited.digest)


async def _spec_of(env: Environment, session_id: str, tool: str) -> ToolSpec:
    """The tool as the model was last shown it. Raises InvalidInput, BlobMissing, BlobDamaged, StoreError."""
    for record in reversed(await history(env.log, session_id)):
        if isinstance(record.event, ModelRequested):
            specs = await env.bodies.tools(record.event.tools)
            found = next((spec for spec in specs if spec.name == tool), None)
            if found is not None:
                return found
            break
    raise InvalidInput(f"what the tool {tool} takes is not recorded, so the call cannot be edited")


def _as_json(arguments: Mapping[str, JsonValue]) -> str:
    try:
        return json.dumps(dict(arguments), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the arguments are not JSON: {error}") from error
