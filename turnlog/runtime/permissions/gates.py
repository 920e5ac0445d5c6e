"""Asking the gates about a call: in order, each about what the ones before it left, until one denies it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from turnlog.domain import clean, commands

from ..environment import Settings
from ..hooks import Allow, Deny, Gate, HookFailed, Modify, ProposedCall, answer_of
from ..turns.arguments import InvalidArguments, parse_object

Denial = commands.tools.Denial


@dataclass(frozen=True, slots=True)
class Changed:
    """What a gate made of a call: other arguments, as JSON text."""

    gate: str
    arguments: str
    reason: str


@dataclass(slots=True)
class Findings:
    """What the gates did to a call: changes in order, the denial that ended the asking, what people should know."""

    changes: list[Changed] = field(default_factory=list[Changed])
    denial: Denial | None = None
    notice: str | None = None


async def ask_gates(gates: Iterable[Gate], call: ProposedCall, settings: Settings) -> Findings:
    """Ask the gates; one that cannot answer denies, and what it raises goes no further.

    Raises InvalidArguments where the call's own arguments make no sense.
    """
    findings = Findings()
    text = _as_json(call.arguments)
    for gate in gates:
        asked = replace(call, arguments=parse_object(text))
        try:
            verdict = await _verdict(gate, asked, settings)
            match verdict:
                case Allow():
                    continue
                case Deny(reason):
                    findings.denial = Denial("hook", clean(str(reason)), gate.name)
                case Modify(arguments, reason):
                    changed = _as_json(arguments)
                    if changed != text:
                        findings.changes.append(Changed(gate.name, changed, clean(str(reason))))
                        text = changed
        except InvalidArguments as problem:
            said = f"the hook {gate.name} changed the call, and what it made of it cannot be: {problem}"
            findings.denial = Denial("invalid", said, gate.name)
        except HookFailed as failed:
            findings.denial = Denial("hook", f"the hook {gate.name} failed, and nothing runs without it", gate.name)
            findings.notice = f"the hook {gate.name} {failed}; so call {call.call_id} of {call.tool.name} was denied"
        if findings.denial is not None:
            break
    return findings


async def _verdict(gate: Gate, call: ProposedCall, settings: Settings) -> Allow | Deny | Modify:
    """Raises HookFailed."""
    return _checked(await answer_of(lambda: gate.judge(call), settings.hook_seconds, settings.grace_seconds))


def _checked(verdict: object) -> Allow | Deny | Modify:
    """A verdict, whatever the types promised; one that is none lets nothing through. Raises HookFailed."""
    if not isinstance(verdict, Allow | Deny | Modify):
        raise HookFailed(f"answered {type(verdict).__name__}, which is none of Allow, Deny and Modify")
    return verdict


def _as_json(arguments: Mapping[str, JsonValue]) -> str:
    """Arguments as JSON text. Raises InvalidArguments for what no JSON text, or no UTF-8, can say."""
    try:
        text = json.dumps(dict(arguments), ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = clean(str(error)).partition("\n")[0]
        raise InvalidArguments(f"the arguments are no JSON object: {reason}") from None
    parse_object(text)
    return text
