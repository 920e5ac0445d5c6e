"""`--rules NAME|FILE`: the policy of a session, by the name of one that comes along, or by a file of rules."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turnlog.domain import Policy

NAMES = ("standard", "developer", "strict", "permissive")
_ENDINGS = (".toml", ".json", ".jsonl")


def rule_sets(incomplete: str) -> list[str]:
    """The names to complete one with, and the files that may hold rules."""
    begun = incomplete.rpartition("/")[2]
    place = incomplete.removesuffix(begun)
    directory = Path(place or ".")
    files = directory.iterdir() if directory.is_dir() else ()
    named = [file.name for file in files if file.name.startswith(begun) and file.suffix in _ENDINGS]
    return [*(name for name in NAMES if name.startswith(incomplete)), *(f"{place}{name}" for name in sorted(named))]


RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="NAME|FILE",
        autocompletion=rule_sets,
        help="What holds before anybody is asked: standard (reading is free, all else is asked about), developer (so "
        "are commands that only read), strict (reading is asked about, too), permissive (what no rule speaks of is "
        "allowed: for sandboxes), or a file of rules (.toml, .json, .jsonl). The session keeps it.",
        show_default=False,
    ),
]


def policy_of(named: str | None) -> "Policy | None":
    """The policy that is meant; None where none is. Raises typer.BadParameter, InvalidInput."""
    from turnlog.domain import STANDARD, Policy

    match named:
        case None:
            return None
        case "standard":
            return STANDARD
        case "developer":
            return Policy.developer()
        case "strict":
            return Policy.strict()
        case "permissive":
            return Policy.permissive()
        case _:
            return _of_file(Path(named))


def _of_file(file: Path) -> "Policy":
    from turnlog.domain import Policy
    from turnlog.infrastructure import permissions

    if not file.is_file():
        raise typer.BadParameter(f"{str(file)!r} is no file, and none of {', '.join(NAMES)}", param_hint="--rules")
    return Policy(name=file.stem, rules=permissions.read_rules(file))
