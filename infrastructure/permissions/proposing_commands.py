"""What to offer for a command: itself, itself with what is known to do no harm, what the pack `developer` allows."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from turnlog.domain import ArgvPrefix

from .developer import developer_rules
from .programs import WRAPPERS, is_interpreter
from .shellwords import word_set
from .widest import possible_commands
from .wrappers import base_name

Argv = tuple[str, ...]
Fields = Mapping[str, object]
"""A matcher as it is written."""
Allows = Callable[[Fields], bool]
"""Whether a rule with this matcher, and no other, would allow the call."""


class Offer(NamedTuple):
    """A matcher that may be offered, and what it covers, in one line."""

    fields: Fields
    shown: str


# Commands that change no more than they say. Those that only read are in the developer pack.
_CHANGING: Final = (
    ArgvPrefix(
        argv_prefix=("git", "add"),
        flags=("-A", "--all", "-u", "--update", "-N", "--intent-to-add", "-n", "--dry-run", "-v", "--verbose"),
        positionals="workspace",
    ),
    ArgvPrefix(
        argv_prefix=("git", "commit"),
        flags=("-a", "--all", "-s", "--signoff", "-q", "--quiet", "-v", "--verbose"),
        value_flags=("-m", "--message"),
    ),
    ArgvPrefix(argv_prefix=("mkdir",), flags=("-p", "--parents", "-v", "--verbose"), positionals="workspace"),
    ArgvPrefix(argv_prefix=("touch",), flags=("-c", "--no-create"), positionals="workspace"),
)
# With a word left out these do more, or do it to something else.
_ONLY_EXACT: Final = word_set(
    """
    ansible apt apt-get aws az brew chgrp chmod chown crontab curl dd dnf docker dropdb eval gcloud gh git gsutil halt
    heroku helm kill killall kubectl ln mkfs mount mv nc passwd pkill podman poweroff reboot rm rmdir rsync s3cmd scp
    service sftp shred shutdown systemctl tee terraform tofu truncate umount useradd userdel usermod wget yum
    """
)
_ANYTHING: Final = r"[^\x00]*"


def offers_for_command(argv: Argv, allows: Allows) -> Iterator[Offer]:
    """Matchers that may allow one command, the narrowest first. What runs other programs or code has only itself."""
    itself = Offer({"exact": argv}, f"exactly {_code(argv)}, alone or among other commands that are allowed")
    yield itself
    if _runs_more(argv):
        return
    known = [each for each in _templates() if argv[: len(each.argv_prefix)] == each.argv_prefix]
    template = next((each for each in known if allows(_written(each))), None)
    if template is None:
        # More than what is known of a command to do no harm may do any.
        yield from [] if known else _as_it_stands(argv)
        return
    narrow = _narrowed(template, allows)
    yield from _listed(narrow, argv, allows)
    if narrow.argv_prefix != argv or not allows(itself.fields):
        yield _offer(narrow)
    if template not in _CHANGING:
        prefix, operands = template.argv_prefix, _operands(template)
        yield Offer(_written(template), _sentence(prefix, ("options of it that only read", *operands)))


def _runs_more(argv: Argv) -> bool:
    name, view = base_name(argv[0]), possible_commands(argv)
    return name in WRAPPERS or is_interpreter(name) or len(view.commands) > 1 or bool(view.unknowns)


@lru_cache(maxsize=1)
def _templates() -> tuple[ArgvPrefix, ...]:
    reading = (rule.matcher for rule in developer_rules() if isinstance(rule.matcher, ArgvPrefix))
    return (*(each for each in reading if each.flags != "any"), *_CHANGING)


# From a template


def _narrowed(template: ArgvPrefix, allows: Allows) -> ArgvPrefix:
    """The template with the options that the command uses, and operands if it has any."""
    bare = template.model_copy(update={"positionals": "none", "first_positional_re": None, "max_positionals": None})
    found = bare if allows(_written(bare)) else template
    for option in (*_flags(template), *template.value_flags):
        without = _without(found, option)
        found = without if allows(_written(without)) else found
    return found


def _listed(narrow: ArgvPrefix, argv: Argv, allows: Allows) -> Iterator[Offer]:
    """The same for just the operands of the command."""
    if narrow.positionals == "none":
        return
    behind = argv[len(narrow.argv_prefix) :]
    words = [word for word in dict.fromkeys(behind) if word == "-" or not word.startswith("-")]
    for word in tuple(words):  # values of options are no operands
        fewer = [each for each in words if each != word]
        words = fewer if allows(_written(_for_words(narrow, fewer))) else words
    yield _offer(_for_words(narrow, words))


def _for_words(matcher: ArgvPrefix, words: Sequence[str]) -> ArgvPrefix:
    listed = tuple(words) or "none"
    return matcher.model_copy(update={"positionals": listed, "first_positional_re": None, "max_positionals": None})


def _flags(template: ArgvPrefix) -> tuple[str, ...]:
    return () if template.flags == "any" else template.flags


def _without(matcher: ArgvPrefix, option: str) -> ArgvPrefix:
    flags = tuple(each for each in _flags(matcher) if each != option)
    valued = tuple(each for each in matcher.value_flags if each != option)
    return matcher.model_copy(update={"flags": flags, "value_flags": valued})


# Without one


def _as_it_stands(argv: Argv) -> Iterator[Offer]:
    """The words it begins with, as they are, and behind them its own options and operands, in any order."""
    if base_name(argv[0]) in _ONLY_EXACT:
        return
    fixed = _fixed(argv)
    rest = dict.fromkeys(word for word in argv[fixed:] if word != "--")
    flags = tuple(word for word in rest if word.startswith("-") and word != "-")
    words = tuple(word for word in rest if word not in flags)
    # Where an option comes first, a word may be a subcommand, which means something else without that option.
    if flags and (not argv[1].startswith("-") or all("/" in word or "." in word for word in words)):
        fields = {"argv_prefix": argv[:fixed], "flags": flags, "positionals": words or "none"}
        yield Offer(fields, _sentence(argv[:fixed], (*flags, *_these(words))))


def _fixed(argv: Argv) -> int:
    """How many words stay in their place: those before any option, and those up to the last option with its value.

    A rule can say `--name=` with any value, but not with one.
    """
    options = [at for at, word in enumerate(argv) if word.startswith("-")]
    valued = [at + 1 for at in options if "=" in argv[at]]
    return max([options[0] if options else len(argv), *valued])


# In words


def _offer(matcher: ArgvPrefix) -> Offer:
    valued = (f"{option} VALUE" for option in matcher.value_flags)
    behind = (*map(_option, _flags(matcher)), *valued, *_operands(matcher))
    return Offer(_written(matcher), _sentence(matcher.argv_prefix, behind))


def _option(option: str) -> str:
    if option == "-N":
        return "-NUMBER"
    return f"{option}VALUE" if option.endswith("=") else option


def _operands(matcher: ArgvPrefix) -> Iterator[str]:
    if matcher.first_positional_re is not None:
        pattern = matcher.first_positional_re
        yield "any first word" if pattern == _ANYTHING else f"a first word that matches {pattern}"
    most = "" if matcher.max_positionals is None else f"at most {matcher.max_positionals} "
    match matcher.positionals:
        case "none":
            return
        case "any":
            yield f"{most or 'any '}words"
        case "workspace":
            yield f"{most}paths in the workspace"
        case words:
            yield from _these(words)


def _these(words: Iterable[str]) -> Iterator[str]:
    return (_code((word,)) for word in words)


def _sentence(prefix: Argv, behind: Sequence[str]) -> str:
    """Such as: `git log` with nothing but --oneline and paths in the workspace."""
    if not behind:
        return f"{_code(prefix)} with nothing behind it"
    *others, last = behind
    return f"{_code(prefix)} with nothing but {' and '.join([', '.join(others), last] if others else [last])}"


def _code(words: Argv) -> str:
    return f"`{shlex.join(words)}`"


def _written(matcher: ArgvPrefix) -> Fields:
    return matcher.model_dump(exclude_defaults=True)
