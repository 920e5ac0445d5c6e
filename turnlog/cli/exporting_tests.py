"""export --pytest: a session as a test."""

from pathlib import Path

from turnlog.domain import InvalidInput
from turnlog.front import Turnlog
from turnlog.testing.exporting import source_of_test
from turnlog.testing.golden import outcome_in

from .exporting import whole_file


async def write_test(log: Turnlog, session_id: str, version: int, target: Path) -> Path:
    """Write a test of a session at a version, and its log beside it; where that is. Raises InvalidInput, StoreError."""
    if target.suffix != ".py":
        raise InvalidInput(f"{target} is no name for a test; give a file that ends in .py")
    lines = target.with_suffix(".jsonl")
    with whole_file(lines) as file:
        async for piece in log.export(session_id, version):
            file.write(piece)
    source = source_of_test(await outcome_in(lines), session_id)
    with whole_file(target) as file:
        file.write(source.encode())
    return lines
