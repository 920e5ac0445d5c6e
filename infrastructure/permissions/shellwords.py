"""Words that mean something to bash itself. Source: `compgen -k` and `compgen -b` of bash 5.2."""

from typing import Final


def word_set(text: str) -> frozenset[str]:
    """The words of a text, separated by blanks."""
    return frozenset(text.split())


KEYWORDS: Final = word_set(
    "! [[ ]] case coproc do done elif else esac fi for function if in select then time until while { }"
)

SHELL_BUILTINS: Final = word_set(
    """
    . : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo
    enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf
    pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit
    umask unalias unset wait
    """
)

# Those that change nothing in the shell and evaluate none of their arguments.
HARMLESS_BUILTINS: Final = word_set(": echo false kill printf pwd true type")
