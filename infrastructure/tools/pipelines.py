"""A line of the strict grammar as it is executed: pipelines of simple commands, and what connects them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from turnlog.domain import InvalidInput
from turnlog.projections import one_line

Condition = Literal["always", "success", "failure"]
"""When a pipeline runs, by the status of what ran before it."""

Target = Literal["null", "stdout", "stderr"]
"""What a stream is redirected to: nothing, or where the other stream goes at that moment."""

_CONDITIONS: Final[dict[str, Condition]] = {"": "always", ";": "always", "&&": "success", "||": "failure"}
_REDIRECTION: Final = re.compile(r"(?:[12]?|&)>[ \t]*/dev/null|2>&1|1?>&2")
_MOST_PIPED: Final = 64
_FOR_SCRIPTS: Final = "shell_script takes whatever bash does"


@dataclass(frozen=True, slots=True)
class Redirection:
    """The streams (1 and 2) that go elsewhere, and where to."""

    streams: tuple[Literal[1, 2], ...]
    target: Target


@dataclass(frozen=True, slots=True)
class Simple:
    """One program with its arguments, and its redirections in the order they are applied."""

    argv: tuple[str, ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands that run at the same time, each reading what the one before it writes."""

    commands: tuple[Simple, ...]
    condition: Condition = "always"


@dataclass(frozen=True, slots=True)
class Line:
    """Pipelines, one after the other. What is skipped leaves the status as it is, as in bash."""

    pipelines: tuple[Pipeline, ...]

    @property
    def commands(self) -> tuple[Simple, ...]:
        """All commands, in order."""
        return tuple(command for pipeline in self.pipelines for command in pipeline.commands)


def line_of_words(argv: Sequence[str]) -> Line:
    """The line that is one program with its arguments."""
    return Line((Pipeline((Simple(tuple(argv)),)),))


def line_of_text(text: str) -> Line:
    """The line a text is, in the same reading as it was judged by. Raises InvalidInput, which says what to use."""
    from ..permissions import Refused, tokenise

    parsed = tokenise(text)
    if isinstance(parsed, Refused):
        raise InvalidInput(
            f"the command cannot be run without a shell: {one_line(parsed.reason, 200)} at character {parsed.at}; "
            f"{_FOR_SCRIPTS}, and asks somebody first"
        )
    pipelines: list[Pipeline] = []
    piped: list[Simple] = []
    condition: Condition = "always"
    ends = [command.span[1] for command in parsed.commands]
    starts = [command.span[0] for command in parsed.commands[1:]]
    gaps = [text[end:start] for end, start in zip(ends, starts, strict=False)]
    for command, gap in zip(parsed.commands, [*gaps, ";"], strict=True):
        piped.append(Simple(command.argv, tuple(map(_redirection, command.redirections))))
        operator = _REDIRECTION.sub("", gap).strip()
        if operator != "|":
            pipelines.append(_pipeline(piped, condition))
            piped = []
            condition = _condition(operator)
    return Line(tuple(pipelines))


def _pipeline(commands: Sequence[Simple], condition: Condition) -> Pipeline:
    if len(commands) > _MOST_PIPED:
        raise InvalidInput(f"a pipeline of {len(commands)} programs is too long; at most {_MOST_PIPED} are piped")
    return Pipeline(tuple(commands), condition)


def _condition(operator: str) -> Condition:
    try:
        return _CONDITIONS[operator]
    except KeyError as error:
        raise InvalidInput(f"the operator {one_line(operator, 20)!r} is not known here; {_FOR_SCRIPTS}") from error


def _redirection(written: str) -> Redirection:
    if written.endswith("/dev/null"):
        streams = {"&": (1, 2), "2": (2,)}.get(written[0], (1,))
        return Redirection(tuple(_stream(each) for each in streams), "null")
    return Redirection((2,), "stdout") if written == "2>&1" else Redirection((1,), "stderr")


def _stream(number: int) -> Literal[1, 2]:
    return 1 if number == 1 else 2
