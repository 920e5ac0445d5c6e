"""docs/schemas says what is stored and exported: it is up to date, and everything is valid by it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError, validate

from turnlog import Turnlog
from turnlog.domain import Event, topic_of
from turnlog.infrastructure import store

from .domain.every_event import SAMPLES
from .runtime.exported import exported, lines, told

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "schemas"
FORMATS = Draft202012Validator.FORMAT_CHECKER


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TARGET / f"{name}.json").read_text("utf-8"))
    return found


def check(stored: dict[str, Any], by: dict[str, Any]) -> None:
    validate(stored, by, cls=Draft202012Validator, format_checker=FORMATS)


def files(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in directory.glob("*.json")}


def test_the_published_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "schemas.py", tmp_path], check=True)
    assert files(TARGET) == files(tmp_path), "run `make schemas`"


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_a_stored_event_is_valid(event: Event) -> None:
    found = schema(topic_of(event).replace("/", "-"))
    Draft202012Validator.check_schema(found)
    check(json.loads(store.mapper.encode(event)), found)


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_an_event_with_a_field_nobody_knows_is_not_valid(event: Event) -> None:
    stored = json.loads(store.mapper.encode(event)) | {"mood": "good"}
    with pytest.raises(ValidationError):
        check(stored, schema(topic_of(event).replace("/", "-")))


async def test_every_line_of_an_export_is_valid() -> None:
    line_schema = schema("export")
    async with Turnlog.open("memory:") as log:
        for line in lines(await exported(log, (await told(log)).id)):
            check(line, line_schema)
