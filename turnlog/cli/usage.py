"""usage: tokens and money, of a session, of all that came of it, or of every session."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, table, write_json

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.projections import UsageBy, UsageSum

_HEADINGS = {"session": ("SESSION",), "turn": ("SESSION", "TURN"), "model": ("MODEL",), "day": ("DAY",)}


def usage(
    session: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", autocompletion=session_ids, help="Only this session; without an id, all."),
    ] = None,
    by: Annotated[
        Literal["turn", "session", "model", "day"] | None,
        typer.Option(
            "--by", help="What to sum by; days are those of UTC. For one session the default is turn, else session."
        ),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="With all sessions that were begun from it.")] = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what answers of models took, in tokens and dollars; a fork counts from where it was forked.

    Example: turnlog usage 019b8d36 --tree --by model
    """
    if tree and session is None:
        raise typer.BadParameter("whose? name a session; without one, all are counted anyway", param_hint="--tree")
    chosen = by or ("turn" if session is not None and not tree else "session")

    async def work(log: "Turnlog") -> None:
        from turnlog.projections import summed

        session_id = None if session is None else await log.find_session(session)
        rows = await log.usage(session_id, tree=tree)
        sums, (total,) = summed(rows, chosen), summed(rows)
        if as_json:
            write_json({"by": chosen, "sums": [_document(each, chosen) for each in sums], "total": _document(total)})
        elif sums:
            _show(sums, total, chosen)
        else:
            note("no model has answered yet")

    with_log(database, work)


def _show(sums: "Sequence[UsageSum]", total: "UsageSum", by: "UsageBy") -> None:
    from .text import safe_line

    names = _HEADINGS[by]
    headings = [*names, "ANSWERS", "IN", "CACHED", "OUT", "REASONING", "COST", "UNPRICED"]
    rows = [[*map(safe_line, each.key), *_numbers(each)] for each in sums]
    rows.append(["total", *[""] * (len(names) - 1), *_numbers(total)])
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    aligned = [_aligned(row, widths, len(names)) for row in (headings, *rows)]
    table(aligned[0], aligned[1:], elastic=["MODEL"])


def _aligned(row: Sequence[str], widths: Sequence[int], names: int) -> list[str]:
    """Numbers stand on the right."""
    return [cell if place < names else cell.rjust(widths[place]) for place, cell in enumerate(row)]


def _numbers(each: "UsageSum") -> list[str]:
    used = each.usage
    tokens = (used.input_tokens, used.cached_tokens, used.output_tokens, used.reasoning_tokens)
    return [
        f"{each.responses:,}",
        *(f"{number:,}" for number in tokens),
        "" if each.responses and each.cost.unpriced == each.responses else f"${each.cost.amount:.4f}",
        str(each.cost.unpriced or ""),
    ]


def _document(each: "UsageSum", by: "UsageBy | None" = None) -> dict[str, Any]:
    keys = {"session": ("session",), "turn": ("session", "turn"), "model": ("model",), "day": ("day",)}
    return {
        **dict(zip(keys[by] if by else (), each.key, strict=True)),
        "responses": each.responses,
        **each.usage.model_dump(),
        "cost_usd": str(each.cost.amount),
        "unpriced": each.cost.unpriced,
    }
