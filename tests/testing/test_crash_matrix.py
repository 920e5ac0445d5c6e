"""The crash matrix finds what is wrong, and says at which point."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from turnlog.domain import InvalidInput
from turnlog.testing import CrashesHarm, CrashMatrix, CrashRun

from . import careless

pytestmark = pytest.mark.fault


def test_a_session_that_is_taken_up_does_everything_once(crash_matrix: CrashMatrix) -> None:
    report = crash_matrix(careless.careful, stride=3)
    assert report.ok
    assert len(report.cases) == len(range(0, report.points, 3))
    assert "0 doubles, 0 losses" in str(report)


def test_an_effect_of_an_unknown_outcome_is_decided_by_the_ledger_and_explained_by_the_decision(
    crash_matrix: CrashMatrix,
) -> None:
    report = crash_matrix(careless.careful, points=["effect:1:before", "effect:1:after"])
    before, after = report.cases
    assert before.decided == after.decided == ("send",)
    assert before.differences == ()
    (difference,) = after.differences
    assert difference.because.startswith("ToolOutcomeResolved(did)")


def test_an_effect_that_may_be_had_again_is_no_double(crash_matrix: CrashMatrix) -> None:
    (case,) = crash_matrix(careless.looks, points=["effect:look:after"]).cases
    assert case.repeated == ("look {}",)
    assert case.decided == case.doubles == ()


def test_a_program_that_starts_over_is_found_to_have_effects_twice(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(CrashesHarm, match="double: send") as caught:
        crash_matrix(careless.starts_over, points=["effect:send:after"])
    assert caught.value.report.doubles == 1


def test_a_program_that_gives_up_is_found_to_lose_effects_and_words(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(CrashesHarm, match="lost: send") as caught:
        crash_matrix(careless.gives_up, points=["effect:send:before"])
    (case,) = caught.value.report.cases
    assert case.losses == ('send {"to": "ada"}',)
    assert case.unexplained


def test_a_program_that_cannot_go_on_is_told_with_its_error(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(CrashesHarm, match=r"not resumed: .*somebody was here before"):
        crash_matrix(careless.cannot_go_on, points=["append:2:after"])


def test_a_point_the_run_does_not_come_to_is_told(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(CrashesHarm, match="did not come to this point"):
        crash_matrix(careless.careful, points=["append:99:after"])


def test_a_scenario_that_fails_by_itself_is_told_with_its_traceback(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(AssertionError, match="no luck"):
        crash_matrix(careless.broken)


def test_a_scenario_that_never_ends_is_ended(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(AssertionError, match="took too long"):
        crash_matrix(careless.waits, seconds=1)


def test_a_scenario_that_others_cannot_import_is_refused(crash_matrix: CrashMatrix) -> None:
    async def inner(run: CrashRun) -> None: ...

    with pytest.raises(InvalidInput, match="top of a module"):
        crash_matrix(inner)


def test_a_matrix_reads_no_effects_of_one_before_it_in_the_same_directory(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(CrashesHarm):
        crash_matrix(careless.gives_up, points=["effect:send:before"])
    assert crash_matrix(careless.careful, points=["effect:send:before"]).ok


MATRIX = 'crash_matrix(careful, Path.cwd(), points=["effect:send:before"])'


@pytest.mark.parametrize(
    ("begun", "said"),
    [(f'if __name__ == "__main__":\n    print({MATRIX})', "0 doubles, 0 losses"), (MATRIX, "begin it in a test")],
    ids=["where it is started", "wherever it is imported"],
)
def test_a_script_holds_its_scenario_and_begins_the_matrix_itself(tmp_path: Path, begun: str, said: str) -> None:
    imports = "from pathlib import Path\nfrom turnlog.testing import crash_matrix\n"
    (tmp_path / "mine.py").write_text(f"{imports}{inspect.getsource(careless)}\n{begun}\n")
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said in done.stdout + done.stderr


def test_a_log_in_memory_is_refused(crash_matrix: CrashMatrix) -> None:
    with pytest.raises(InvalidInput, match="outlive"):
        crash_matrix(careless.careful, url="memory:")
