"""What the tools for text files have in common."""

import os
from typing import Annotated, Final

from pydantic import Field

from turnlog.domain import InvalidInput

from .paths import Place

SNIFFED: Final = 8 * 1024
"""Bytes at the beginning of a file that say whether it is text."""

FilePath = Annotated[str, Field(description="File, relative to the workspace.")]


def encoded(text: str, argument: str) -> bytes:
    """An argument as UTF-8. Raises InvalidInput."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{argument} contains a lone surrogate at {error.start}, which no file can hold") from error


def refuse_binary(head: bytes, state: os.stat_result, where: Place) -> None:
    """Raises InvalidInput for a file that begins like none of text."""
    if b"\0" in head:
        raise InvalidInput(f"{where.shown} is binary ({state.st_size:,} bytes), not text")
