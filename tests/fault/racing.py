"""Crash matrices of runs in which several workers append at once, so that no two runs have the same points."""

from collections.abc import Callable

from turnlog.testing import CrashesHarm, CrashReport


def of_those_reached(matrix: Callable[[], CrashReport]) -> CrashReport:
    """What a matrix found, without the kills that did not come about: an append that loses a race has no end.

    Raises CrashesHarm where anything else is wrong, or where fewer than half came about.
    """
    try:
        return matrix()
    except CrashesHarm as harm:
        reached = tuple(case for case in harm.report.cases if case.reached)
        report = harm.report.model_copy(update={"cases": reached})
        if not report.ok or len(reached) * 2 < len(harm.report.cases):
            raise
        return report
