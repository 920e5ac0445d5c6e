"""compare: two sessions side by side."""

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import table, write, write_document
from .paging import NoPager, paged
from .text import count, safe_line

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.projections import Costs
    from turnlog.runtime.time_travel.comparing import ComparedTurn, Comparison, Side

_WIDTH = 60


def compare(
    one: Annotated[str, typer.Argument(metavar="ID1[@V]", autocompletion=session_ids, help="A session.")],
    other: Annotated[str, typer.Argument(metavar="ID2[@V]", autocompletion=session_ids, help="Another one.")],
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Put two sessions side by side: what each took, what each came to, turn by turn, and where they part.

    Example: turnlog compare 019b8d36 019b8f01
    """

    async def work(log: "Turnlog") -> None:
        from .records import plain

        found = await log.compare(one, other)
        if as_json:
            document = plain(found)
            common = found.common
            document["common"] = None if common is None else f"{common.stream}@{common.version}"
            write_document(document)
        else:
            _show(found)

    with paged(off=as_json or no_pager):
        with_log(database, work)


def _show(found: "Comparison") -> None:
    left, right = found.left, found.right
    rows = [[name, ours, theirs, "" if ours == theirs else "≠"] for name, ours, theirs in _facts(found)]
    table(["", f"{left.session_id[:18]}@{left.version}", f"{right.session_id[:18]}@{right.version}", ""], rows, [])
    _turns(left, right)
    write()
    if found.common is not None:
        write(("in common", "title"), f"  {found.common.stream}@{found.common.version}")
    if found.parting is None:
        write("the conversations are the same")
        return
    write((f"the conversations part at message {found.parting.message}", "title"))
    write((f"  < {_told(found.parting.left)}", "bad"))
    write((f"  > {_told(found.parting.right)}", "good"))


def _told(gist: str | None) -> str:
    return "(nothing more)" if gist is None else safe_line(gist)


def _facts(found: "Comparison") -> list[tuple[str, str, str]]:
    from turnlog.projections import one_line

    sides = (found.left, found.right)

    def fact(name: str, *values: object) -> tuple[str, str, str]:
        ours, theirs = (one_line(str(value), _WIDTH) for value in values)
        return name, ours, theirs

    facts = [
        fact("title", *(side.title for side in sides)),
        fact("model", *(side.model for side in sides)),
        fact("status", *(side.status for side in sides)),
        fact("last turn", *(side.outcome for side in sides)),
        fact("turns", *(len(side.turns) for side in sides)),
        fact("messages", *(side.messages for side in sides)),
        fact("rounds", *(side.rounds for side in sides)),
        fact("failed requests", *(side.failed_requests for side in sides)),
        fact("calls", *(_calls(side) for side in sides)),
        fact("tokens", *(f"{side.input_tokens} in, {side.output_tokens} out" for side in sides)),
        fact("cost", *(_cost(side.cost) for side in sides)),
        fact("files changed", *(", ".join(side.files) or "none" for side in sides)),
        fact("time", *(_seconds(side.seconds) for side in sides)),
    ]
    if found.common is not None:
        facts.insert(
            11,
            fact(
                "  of its own",
                *(f"{s.own_input_tokens} in, {s.own_output_tokens} out, {_cost(s.own_cost)}" for s in sides),
            ),
        )
    return facts


def _calls(side: "Side") -> str:
    extra = [f"{number} {what}" for number, what in ((side.denied, "denied"), (side.failed_calls, "failed")) if number]
    return f"{side.calls} ({', '.join(extra)})" if extra else str(side.calls)


def _cost(costs: "Costs") -> str:
    unpriced = f", {costs.unpriced} unpriced" if costs.unpriced else ""
    return f"${costs.amount}{unpriced}" if costs.amount or not costs.unpriced else "unknown"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "goes on"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _turns(left: "Side", right: "Side") -> None:
    from itertools import zip_longest

    for number, pair in enumerate(zip_longest(left.turns, right.turns), start=1):
        write()
        same = all(turn is not None and turn.shared for turn in pair)
        write((f"turn {number}", "title"), ("  in common" if same else "", "quiet"))
        for mark, turn, tone in (("<", pair[0], "bad"), (">", pair[1], "good")):
            if turn is not None and not (same and mark == ">"):
                _turn(" " if same else mark, turn, "plain" if same else tone)


def _turn(mark: str, turn: "ComparedTurn", tone: str) -> None:
    from turnlog.projections import one_line

    facts = f"{turn.outcome}  {count(turn.rounds, 'round')}  {turn.input_tokens} in, {turn.output_tokens} out"
    write(
        (f"  {mark} ", tone), safe_line(one_line(turn.said, _WIDTH)), (f"  {facts}  {_seconds(turn.seconds)}", "quiet")
    )
    for call in turn.calls:
        write((f"  {mark} ", tone), f"    {safe_line(call)}")
    if turn.answer:
        write((f"  {mark} ", tone), (f"  → {safe_line(one_line(turn.answer, 100))}", tone))
