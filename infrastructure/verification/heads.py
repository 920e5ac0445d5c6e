"""Heads as they are noted elsewhere: one JSON object a line."""

import json
from collections.abc import Iterable

from .rows import Head


def written_head(head: Head) -> str:
    """The line that notes a head."""
    return json.dumps({"stream": head.stream, "version": head.version, "chain": head.chain.hex()})


def read_heads(lines: Iterable[str]) -> list[Head]:
    """The heads that lines note, empty lines apart. Raises ValueError, which names the line."""
    return [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read(number: int, line: str) -> Head:
    try:
        match json.loads(line):
            case {"stream": str(stream), "version": int(version), "chain": str(chain)} if version > 0:
                return Head(stream, version, bytes.fromhex(chain))
            case _:
                raise ValueError("not a head")
    except ValueError:
        raise ValueError(f'line {number} is not a head such as {{"stream": …, "version": 1, "chain": …}}') from None
