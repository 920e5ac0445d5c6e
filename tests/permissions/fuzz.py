"""Compares what the tokeniser and the widest view say of random texts with what bash runs: `make fuzz`.

The same seed tries the same texts. Exits with 1 when bash ran something else than was said, showing the shortest such
text found.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final

from tests.permissions.bash import REAL_BUILTINS, WAY_OUT, Argv, Runs, what_runs
from tests.permissions.texts import random_texts
from turnlog.infrastructure import permissions

_BATCH: Final = 500
_LOCALES: Final = ("C.UTF-8", "C")
_MOST_SHOWN: Final = 10


@dataclass(slots=True)
class Report:
    """How many texts were tried, accepted (by the view: wholly known) and run, and those that bash ran otherwise."""

    tried: int = 0
    accepted: int = 0
    run: int = 0
    differences: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        share = self.accepted / max(self.tried, 1)
        return (
            f"{self.tried} tried, {self.accepted} accepted ({share:.1%}), {self.run} run in bash, "
            f"{len(self.differences)} different"
        )


def fuzz_tokeniser(seed: int, count: int) -> Report:
    """Whatever the tokeniser accepts, bash must run as exactly those argv."""
    report = Report()
    for number, texts in enumerate(_batches(seed, count)):
        parsed = [text for text in texts if isinstance(permissions.tokenise(text), permissions.Parsed)]
        runnable = [text for text in parsed if _can_be_run(text)]
        report.tried += len(texts)
        report.accepted += len(parsed)
        report.run += len(runnable)
        locale = _LOCALES[number % len(_LOCALES)]
        found = [text for text, runs in zip(runnable, what_runs(runnable, locale), strict=True) if _differs(text, runs)]
        report.differences += [minimised(text, partial(_is_different, locale=locale)) for text in found[:_MOST_SHOWN]]
    return report


def fuzz_widest(seed: int, count: int) -> Report:
    """Whatever bash runs must be in the widest view, or the view must say that it does not know all."""
    report = Report()
    for texts in _batches(seed, count):
        report.tried += len(texts)
        report.accepted += sum(not permissions.possible_commands(text).unknowns for text in texts)
        report.run += len(texts)
        found = [
            text for text, runs in zip(texts, what_runs(texts, restricted=True), strict=True) if _escapes(text, runs)
        ]
        report.differences += [minimised(text, _does_escape) for text in found[:_MOST_SHOWN]]
    return report


def minimised(text: str, is_wrong: Callable[[str], bool]) -> str:
    """The shortest text found, by leaving out parts, that is still wrong."""
    width = max(len(text) // 2, 1)
    while width:
        at = 0
        while at < len(text):
            shorter = text[:at] + text[at + width :]
            if is_wrong(shorter):
                text = shorter
            else:
                at += width
        width //= 2
    return text


def _batches(seed: int, count: int) -> Iterator[list[str]]:
    texts = random_texts(seed)
    for done in range(0, count, _BATCH):
        yield list(islice(texts, min(_BATCH, count - done)))


def _can_be_run(text: str) -> bool:
    """Whether the stand-ins can take the place of every program in it, and it names no path out of the room."""
    parsed = permissions.tokenise(text)
    if not isinstance(parsed, permissions.Parsed) or WAY_OUT.search(text):
        return False
    return not any("/" in command.argv[0] or command.argv[0] in REAL_BUILTINS for command in parsed.commands)


def _is_different(text: str, locale: str) -> bool:
    return _can_be_run(text) and _differs(text, what_runs([text], locale)[0])


def _differs(text: str, runs: Runs) -> bool:
    """Behind `&&` a command runs when all succeed, behind `||` when all fail, else both times."""
    parsed = permissions.tokenise(text)
    said = [command.argv for command in parsed.commands] if isinstance(parsed, permissions.Parsed) else []
    succeeding, failing = runs
    return any(
        not max(succeeding[argv], failing[argv]) <= said.count(argv) <= succeeding[argv] + failing[argv]
        for argv in {*said, *succeeding, *failing}
    )


def _does_escape(text: str) -> bool:
    return _escapes(text, what_runs([text], restricted=True)[0])


def _escapes(text: str, runs: Runs) -> bool:
    view = permissions.possible_commands(text)
    ran = {*runs[0], *runs[1]}
    return not view.unknowns and not all(_covers(view.commands, argv) for argv in ran)


def _covers(commands: Sequence[permissions.PossibleCommand], argv: Argv) -> bool:
    """Whether one of them may be this argv: word by word, or with a word that may become any number of words."""
    named = [command.words for command in commands if command.words[0] == argv[0]]
    return any(None in words or (len(words) == len(argv) and all(map(_may_be, words, argv))) for words in named)


def _may_be(word: str | None, argument: str) -> bool:
    return word == argument or (word is not None and word.startswith("-") and argument.startswith(word))


def main() -> int:
    """Run both for a number of texts and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=300_000, help="texts to try (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    wrong = 0
    for name, fuzz in (("tokeniser", fuzz_tokeniser), ("widest view", fuzz_widest)):
        began = time.monotonic()
        count = chosen.texts if fuzz is fuzz_tokeniser else chosen.texts // 10
        report = fuzz(chosen.seed, count)
        sys.stdout.write(f"{name}: {report} (seed {chosen.seed}, {time.monotonic() - began:.0f} s)\n")
        for text in report.differences:
            said = (permissions.tokenise(text), permissions.possible_commands(text))
            sys.stdout.write(f"  {text!r}: {said} but {what_runs([text], restricted=True)}\n")
        wrong += len(report.differences)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
