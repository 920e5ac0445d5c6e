"""For tests of sessions and tools, turnlog's own and yours: clocks that hold still, faults, crashes, golden logs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnlog.wiring import ScriptedCall, ScriptedModel, ScriptedReply

    from .clock import VirtualClock
    from .crash_report import CrashCase, CrashesHarm, CrashReport, Difference
    from .crash_run import CrashRun, Scenario
    from .crashing import crash_matrix
    from .faults import Crash, Fault, FaultPlan, crash, delay, fail, kill, miss, wake
    from .golden import GoldenCall, GoldenSession, assert_golden, exported, outcome_in, outcome_of
    from .ids import CountingIds
    from .ledger import Effected, Ledger
    from .memory import memory_log
    from .plugin import CrashMatrix
    from .points import Point
    from .stories import Given, Outcome, given

_HOMES = {
    "ScriptedCall": "turnlog.wiring",
    "ScriptedModel": "turnlog.wiring",
    "ScriptedReply": "turnlog.wiring",
    "VirtualClock": "turnlog.testing.clock",
    "crash_matrix": "turnlog.testing.crashing",
    "CrashCase": "turnlog.testing.crash_report",
    "CrashReport": "turnlog.testing.crash_report",
    "CrashesHarm": "turnlog.testing.crash_report",
    "Difference": "turnlog.testing.crash_report",
    "CrashRun": "turnlog.testing.crash_run",
    "Scenario": "turnlog.testing.crash_run",
    "CrashMatrix": "turnlog.testing.plugin",
    "Crash": "turnlog.testing.faults",
    "Fault": "turnlog.testing.faults",
    "FaultPlan": "turnlog.testing.faults",
    "crash": "turnlog.testing.faults",
    "delay": "turnlog.testing.faults",
    "fail": "turnlog.testing.faults",
    "kill": "turnlog.testing.faults",
    "miss": "turnlog.testing.faults",
    "wake": "turnlog.testing.faults",
    "GoldenCall": "turnlog.testing.golden",
    "GoldenSession": "turnlog.testing.golden",
    "assert_golden": "turnlog.testing.golden",
    "exported": "turnlog.testing.golden",
    "outcome_in": "turnlog.testing.golden",
    "outcome_of": "turnlog.testing.golden",
    "CountingIds": "turnlog.testing.ids",
    "Effected": "turnlog.testing.ledger",
    "Ledger": "turnlog.testing.ledger",
    "memory_log": "turnlog.testing.memory",
    "Point": "turnlog.testing.points",
    "Given": "turnlog.testing.stories",
    "Outcome": "turnlog.testing.stories",
    "given": "turnlog.testing.stories",
}

__all__ = [
    "CountingIds",
    "Crash",
    "CrashCase",
    "CrashMatrix",
    "CrashReport",
    "CrashRun",
    "CrashesHarm",
    "Difference",
    "Effected",
    "Fault",
    "FaultPlan",
    "Given",
    "GoldenCall",
    "GoldenSession",
    "Ledger",
    "Outcome",
    "Point",
    "Scenario",
    "ScriptedCall",
    "ScriptedModel",
    "ScriptedReply",
    "VirtualClock",
    "assert_golden",
    "crash",
    "crash_matrix",
    "delay",
    "exported",
    "fail",
    "given",
    "kill",
    "memory_log",
    "miss",
    "outcome_in",
    "outcome_of",
    "wake",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: pytest loads this package in every run, for its fixture."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
