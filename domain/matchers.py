"""What a rule matches, as values: checked when they are read, and judged elsewhere.

A matcher is written as one flat JSON object; which of its fields is there says of which kind it is. All fields that
are present must hold. `keys` may stand beside any other field.
"""

import re
import warnings
from collections.abc import Mapping
from threading import Lock
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, StrictInt, Tag

from .content import Value

_MOST_PATTERN: Final = 1000  # characters; longer ones are no longer read by the person who approves the rule
_OPTION: Final = re.compile(r"-[^-=\s\0][^=\s\0]*|--[^-=\s\0][^=\s\0]*=?")
_VALUE_OPTION: Final = re.compile(r"--?[^-=\s\0][^=\s\0]*")
# Such a pattern may take for ever on a word made for it. This finds the common form, not every one.
_REPEATED_REPETITION: Final = re.compile(r"\([^()]*[*+}][^()]*\)(?:[*+]|\{\d*,\})")
_CATCHING: Final = Lock()  # warnings are caught for all threads at once, and events are read in several
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")


def _option(word: str) -> str:
    if not _OPTION.fullmatch(word):
        raise ValueError(f"{word!r} is no option; write -x, -N, --name or --name=")
    return word


def _value_option(word: str) -> str:
    if not _VALUE_OPTION.fullmatch(word):
        raise ValueError(f"{word!r} is no option that takes a value; write -x or --name")
    return word


def _pattern(text: str) -> str:
    if len(text) > _MOST_PATTERN:
        raise ValueError(f"a pattern has at most {_MOST_PATTERN} characters")
    if _REPEATED_REPETITION.search(text):
        raise ValueError(f"{text!r} repeats a repetition, which can take for ever; write it without")
    try:
        with _CATCHING, warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError(f"{name!r} is no host name; write it in small letters, without scheme, port or path")
    return name


def _plain_path(path: str) -> str:
    if "$" in path or "\0" in path or path.startswith("~"):
        raise ValueError(f"{path!r} is no path as it stands; nothing in a rule is expanded")
    return path


def _below(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} is not below the root; write a relative path without ..")
    return "/".join(part for part in _plain_path(path).split("/") if part not in {"", "."})


Word = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
Words = Annotated[tuple[Word, ...], Field(min_length=1)]
Option = Annotated[str, AfterValidator(_option)]
Keys = Annotated[tuple[str, ...], Field(min_length=1)]


class ExactArgv(Value):
    """Exactly this argv, without any redirection."""

    exact: Words
    keys: Keys | None = None


class ArgvPrefix(Value):
    """An argv that begins with these words; behind them only what the other fields list.

    `flags` are options without a value of their own; `--x=` stands for `--x=value`, `-N` for a number as in `-5`.
    `value_flags` take the next word. `positionals` says which other words there may be. The first of them may
    instead have to match `first_positional_re` as a whole.
    """

    argv_prefix: Words
    flags: tuple[Option, ...] | Literal["any"] = ()
    value_flags: tuple[Annotated[str, AfterValidator(_value_option)], ...] = ()
    positionals: Literal["none", "any", "workspace"] | tuple[Word, ...] = "none"
    first_positional_re: Annotated[str, AfterValidator(_pattern)] | None = None
    max_positionals: Annotated[StrictInt, Field(ge=0)] | None = None
    keys: Keys | None = None

    @property
    def bare(self) -> bool:
        """Whether it says nothing of what may follow, be that left out or written as it is by default."""
        return self == ArgvPrefix(argv_prefix=self.argv_prefix, keys=self.keys)

    @property
    def closed(self) -> bool:
        """Whether every word it lets through stands in the rule."""
        listed = self.positionals == "none" or isinstance(self.positionals, tuple)
        return listed and self.flags != "any" and not self.value_flags and self.first_positional_re is None


class Program(Value):
    """A program by its base name, its subcommand, and one option of each inner list of `needs`, in any spelling."""

    program: Word
    subcommand: tuple[Word, ...] = ()
    needs: tuple[Words, ...] = ()
    keys: Keys | None = None


class FileAccess(Value):
    """A file tool on a path inside `root` and below `under`; a relative root starts at the workspace."""

    op: Literal["read", "write"]
    root: Annotated[str, AfterValidator(_plain_path)] = "."
    under: Annotated[str, AfterValidator(_below)] = ""
    keys: Keys | None = None


class Hosts(Value):
    """A `url` that is https to exactly one of these hosts."""

    hosts: Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], Field(min_length=1)]
    keys: Keys | None = None


class SqlReadOnly(Value):
    """Arguments of a database tool that only read: nothing is provably so by its text, so it never matches."""

    sql_readonly: Literal[True]
    keys: Keys | None = None


class JsonKeys(Value):
    """Arguments with exactly these keys, each a string."""

    keys: Keys


class ExactCall(Value):
    """The one call with this digest. `shown` repeats, for people, what was approved."""

    kind: Literal["exact"] = "exact"
    digest: str
    shown: str


class AnyCall(Value):
    """Every call of the tool."""

    kind: Literal["any"] = "any"


_KINDS: Final[Mapping[str, type[Value]]] = {
    "exact": ExactArgv,
    "argv_prefix": ArgvPrefix,
    "program": Program,
    "op": FileAccess,
    "hosts": Hosts,
    "sql_readonly": SqlReadOnly,
    "keys": JsonKeys,
    "digest": ExactCall,
    "kind": AnyCall,
}


def _kind(matcher: object) -> str | None:
    if isinstance(matcher, Mapping):
        return next((kind for kind in _KINDS if kind in matcher), None)
    return next((kind for kind, its in _KINDS.items() if isinstance(matcher, its)), None)


Matcher = Annotated[
    Annotated[ExactArgv, Tag("exact")]
    | Annotated[ArgvPrefix, Tag("argv_prefix")]
    | Annotated[Program, Tag("program")]
    | Annotated[FileAccess, Tag("op")]
    | Annotated[Hosts, Tag("hosts")]
    | Annotated[SqlReadOnly, Tag("sql_readonly")]
    | Annotated[JsonKeys, Tag("keys")]
    | Annotated[ExactCall, Tag("digest")]
    | Annotated[AnyCall, Tag("kind")],
    Discriminator(
        _kind,
        custom_error_type="matcher_kind",
        custom_error_message=f"an object with one of the fields {', '.join(_KINDS)}",
    ),
]
