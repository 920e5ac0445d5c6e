"""What a rule covers, in the words of one line."""

import shlex
from collections.abc import Iterable
from typing import assert_never

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    JsonKeys,
    Matcher,
    Program,
    SqlReadOnly,
)


def covers(matcher: Matcher) -> str:
    """What a matcher stands for. As long as the rule is: whoever shows it cuts it."""
    told = _told(matcher)
    if isinstance(matcher, AnyCall | ExactCall | JsonKeys) or matcher.keys is None:
        return told
    return f"{told}, arguments {', '.join(matcher.keys)}"


def _told(matcher: Matcher) -> str:
    match matcher:
        case AnyCall():
            return "every call"
        case ExactCall():
            return matcher.shown
        case ExactArgv():
            return f"exactly {shlex.join(matcher.exact)}"
        case ArgvPrefix():
            return " ".join((shlex.join(matcher.argv_prefix), *_behind(matcher)))
        case Program():
            return " ".join((matcher.program, *matcher.subcommand, *_needs(matcher.needs)))
        case FileAccess():
            return f"{matcher.op} below {'/'.join(part for part in (matcher.root, matcher.under) if part)}"
        case Hosts():
            return f"https to {', '.join(matcher.hosts)}"
        case SqlReadOnly():
            return "SQL that only reads"
        case JsonKeys():
            return f"arguments {', '.join(matcher.keys)}"
        case _:
            assert_never(matcher)


def _behind(matcher: ArgvPrefix) -> Iterable[str]:
    """What may follow the words of a prefix; nothing where only the words themselves are covered."""
    if matcher.bare:
        return
    if matcher.flags:
        yield "[any option]" if matcher.flags == "any" else f"[{' '.join(matcher.flags)}]"
    if matcher.value_flags:
        yield f"[{' '.join(f'{flag} VALUE' for flag in matcher.value_flags)}]"
    if words := _words(matcher):
        yield f"[{words}]"


def _words(matcher: ArgvPrefix) -> str:
    most = "" if matcher.max_positionals is None else f"at most {matcher.max_positionals} "
    first = "" if matcher.first_positional_re is None else f"first word matching {matcher.first_positional_re}"
    match matcher.positionals:
        case "none":
            return first
        case "any":
            rest = f"{most}words"
        case "workspace":
            rest = f"{most}paths in the workspace"
        case words:
            rest = f"{most}of {shlex.join(words)}"
    return ", ".join(part for part in (first, rest) if part)


def _needs(needs: tuple[tuple[str, ...], ...]) -> Iterable[str]:
    return ("with " + " or ".join(options) for options in needs)
