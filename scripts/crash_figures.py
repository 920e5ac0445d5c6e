"""Write the figures of crash matrices, chaos and races into docs/reliability.md, from the JSON of a run.

TURNLOG_TEST_FIGURES=docs/figures make soak PYTEST_ARGS=tests/fault, then run this.
"""

import json
from pathlib import Path
from typing import Any

from turnlog.testing import CrashReport

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- crash figures: written by scripts/crash_figures.py -->\n", "<!-- end of crash figures -->"
HEAD = (
    "| turn | store | events in the log | kills | resumed | decided by a person | doubles | losses | unexplained"
    " | seconds |"
)
TURNS = {"everything": "everything a turn may have", "three_at_once": "three subagents side by side"}

CHAOS_BEGIN, CHAOS_END = (
    "<!-- chaos figures: written by scripts/crash_figures.py -->\n",
    "<!-- end of chaos figures -->",
)
RACES_BEGIN, RACES_END = (
    "<!-- race figures: written by scripts/crash_figures.py -->\n",
    "<!-- end of race figures -->",
)
COUNTS = ("sessions", "events", "kills", "pauses", "restarts", "partitions", "full_disks", "takeovers", "decided")
BAD = ("doubles", "losses", "unfinished", "findings")


def table() -> str:
    """The figures of all runs that are kept."""
    reports = [CrashReport.model_validate_json(file.read_text()) for file in sorted(DOCS.glob("figures/crash-*.json"))]
    return "\n".join([HEAD, "|---" * 10 + "|", *map(_row, reports), ""])


def _row(report: CrashReport) -> str:
    cases = report.cases
    resumed, decided = sum(case.resumed for case in cases), sum(bool(case.decided) for case in cases)
    unexplained = sum(len(case.unexplained) for case in cases)
    told = [report.events, len(cases), resumed, decided, report.doubles, report.losses, unexplained, report.seconds]
    return f"| {TURNS[report.scenario]} | {report.store} | {' | '.join(map(str, told))} |"


def chaos_table() -> str:
    """What was done to the workers and their database, and what became of the sessions."""
    names = ("weather", "store", "seconds", *COUNTS, *BAD, "tables caught up in")
    rows = [json.loads(file.read_text()) for file in sorted(DOCS.glob("figures/chaos-*.json"))]
    head = f"| {' | '.join(name.replace('_', ' ') for name in names)} |"
    return "\n".join([head, "|---" * len(names) + "|", *map(_chaos_row, rows), ""])


def _chaos_row(report: dict[str, Any]) -> str:
    told = [report["weather"], report["store"], f"{report['seconds']:g}", *(report[name] for name in COUNTS)]
    told += [*(len(report[name]) for name in BAD), f"{report['caught_up']} s"]
    return f"| {' | '.join(map(str, told))} |"


def races_table() -> str:
    """How often processes wanted what one of them got."""
    names = ("store", "rounds", "racers", "attempts", "refused", "violations")
    rows = [json.loads(file.read_text()) for file in sorted(DOCS.glob("figures/races-*.json"))]
    told = [[row[name] if name != "violations" else len(row[name]) for name in names] for row in rows]
    lines = [f"| {' | '.join(map(str, row))} |" for row in told]
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *lines, ""])


def page(text: str) -> str:
    """The page with the figures of today in it."""
    for begin, found, end in (
        (BEGIN, table(), END),
        (CHAOS_BEGIN, chaos_table(), CHAOS_END),
        (RACES_BEGIN, races_table(), RACES_END),
    ):
        text = _between(text, begin, found, end)
    return text


def _between(text: str, begin: str, found: str, end: str) -> str:
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{found}{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
