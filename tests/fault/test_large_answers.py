"""However much a model says, it is taken in with bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from . import large_answer

MOST_MIB = 300
"""Row 14 of the fault table: an answer of 50 MB."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's peak memory")
def test_an_answer_of_50_megabytes_is_kept_with_bounded_memory(url: str) -> None:
    command = [sys.executable, *(["-P"] if sys.flags.safe_path else []), large_answer.__file__, url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(told) < MOST_MIB
