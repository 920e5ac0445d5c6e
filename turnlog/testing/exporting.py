"""A session as a test that folds its log and checks what it comes to, offline."""

from pprint import pformat

from .golden import GoldenSession

WIDTH = 100


def source_of_test(found: GoldenSession, session_id: str) -> str:
    """The source of a test for the session's log, which is to lie beside it under the same name as `.jsonl`."""
    calls = [call.model_dump(exclude_defaults=True) for call in found.calls]
    return "\n".join(
        [
            f'"""Session {session_id} at version {found.version}, by `turnlog export --pytest`. Nothing runs."""',
            "",
            "from pathlib import Path",
            "",
            "from turnlog.testing import exported",
            "",
            'FOUND = exported(Path(__file__).with_suffix(".jsonl"))',
            "",
            "",
            "def test_the_session_is_in_the_state_it_was_left_in():",
            f"    assert (FOUND.status, FOUND.turns, FOUND.version) == {(found.status, found.turns, found.version)!r}",
            "",
            "",
            "def test_what_was_said():",
            f"    assert list(FOUND.said) == {_indented([tuple(each) for each in found.said])}",
            "",
            "",
            "def test_what_became_of_every_call():",
            "    calls = [call.model_dump(exclude_defaults=True) for call in FOUND.calls]",
            f"    assert calls == {_indented(calls)}",
            "",
        ]
    )


def _indented(value: object) -> str:
    return pformat(value, width=WIDTH, sort_dicts=False).replace("\n", "\n    ")
