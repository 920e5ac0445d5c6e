"""Figures of a run, kept where the documentation takes them from when TURNLOG_TEST_FIGURES names a directory."""

import os
from pathlib import Path

from pydantic import BaseModel

VARIABLE = "TURNLOG_TEST_FIGURES"


def keep(kind: str, name: str, report: BaseModel) -> None:
    """Write `KIND-NAME.json` where figures are wanted."""
    if directory := os.environ.get(VARIABLE):
        (Path(directory) / f"{kind}-{name}.json").write_text(f"{report.model_dump_json(indent=1)}\n")
