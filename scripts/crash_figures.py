"""Write the figures of the crash matrix into docs/reliability.md, from the JSON of a run.

TURNLOG_TEST_FIGURES=docs/figures make soak PYTEST_ARGS=tests/fault/test_crash_matrix.py, then run this.
"""

from pathlib import Path

from turnlog.testing import CrashReport

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- crash figures: written by scripts/crash_figures.py -->\n", "<!-- end of crash figures -->"
HEAD = (
    "| store | events in the log | kills | resumed | decided by a person | doubles | losses | unexplained | seconds |"
)


def table() -> str:
    """The figures of all runs that are kept."""
    reports = [CrashReport.model_validate_json(file.read_text()) for file in sorted(DOCS.glob("figures/crash-*.json"))]
    return "\n".join([HEAD, "|---" * 9 + "|", *map(_row, reports), ""])


def _row(report: CrashReport) -> str:
    cases = report.cases
    resumed, decided = sum(case.resumed for case in cases), sum(bool(case.decided) for case in cases)
    unexplained = sum(len(case.unexplained) for case in cases)
    told = [report.events, len(cases), resumed, decided, report.doubles, report.losses, unexplained, report.seconds]
    return f"| {report.store} | {' | '.join(map(str, told))} |"


def page(text: str) -> str:
    """The page with the figures of today in it."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
