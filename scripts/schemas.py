"""Write docs/schemas: the JSON Schema of every event as it is stored, and of the lines of an export.

Usage: schemas.py [DIRECTORY]
"""

import json
import sys
from pathlib import Path
from typing import Any

from turnlog.domain import TOPICS
from turnlog.projections import exports

TARGET = Path(__file__).parent.parent / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXPORT = "export"


def schemas() -> dict[str, str]:
    """Name of each file and what is in it. An event's is that of its topic, with a dash for the slash."""
    events = {topic.replace("/", "-"): (topic, kind.model_json_schema()) for topic, kind in TOPICS.items()}
    line = (f"export line {exports.jsonl.VERSION}", exports.jsonl.schema())
    return {
        f"{name}.json": f"{json.dumps({'$schema': DIALECT, 'title': title, **_untitled(found)}, indent=1)}\n"
        for name, (title, found) in {**events, EXPORT: line}.items()
    }


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def main(target: Path = TARGET) -> None:
    """Write every file, and remove those of events that are gone."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for stale in {file.name for file in target.glob("*.json")} - wanted.keys():
        (target / stale).unlink()
    for name, text in wanted.items():
        (target / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
