"""The table people read and the JSON that programs do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .figures import Figure

HEADINGS = ("figure", "value", "unit", "spread", "target", "")


def table(figures: Sequence[Figure]) -> str:
    """One line a figure, in columns."""
    rows = [HEADINGS, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _row(figure: Figure) -> tuple[str, ...]:
    least, most = figure.spread
    met = {None: "", True: "met", False: "NOT MET"}[figure.met]
    return (
        figure.name,
        _number(figure.value),
        figure.unit,
        f"{_number(least)} – {_number(most)}",
        str(figure.target or ""),
        met,
    )


def _number(value: float) -> str:
    """Three digits that mean something; whole numbers as they are."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.rjust(width) if column == 1 else cell.ljust(width) for column, (cell, width) in _places(row, widths)]
    return "  ".join(cells).rstrip()


def _places(row: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[int, tuple[str, int]]]:
    return enumerate(zip(row, widths, strict=True))


def as_json(figures: Iterable[Figure]) -> dict[str, dict[str, object]]:
    """Figure name to value, unit, spread and target (null where there is none)."""
    return {
        figure.name: {
            "value": figure.value,
            "unit": figure.unit,
            "spread": list(figure.spread),
            "target": str(figure.target) if figure.target else None,
        }
        for figure in figures
    }


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Keep the figures."""
    path.write_text(json.dumps(as_json(figures), indent=2) + "\n", "utf-8")


def machine_lines(machine: Mapping[str, str]) -> str:
    """What it was measured on."""
    width = max(map(len, machine))
    return "\n".join(f"{name.ljust(width)}  {what}" for name, what in machine.items())


def disturbances(disturbed: Mapping[str, float], *, known: bool) -> str:
    """Which cells others disturbed, and how much."""
    if not known:
        return "Whether others used this machine meanwhile is not known: the server is not ours, or this is no Linux."
    if not disturbed:
        return "Nobody else used more than 0.2 cores while a figure was taken."
    cells = "\n".join(f"  {name}: {cores:.1f} cores" for name, cores in disturbed.items())
    return f"Others used this machine while these were measured, so read them with care:\n{cells}"
