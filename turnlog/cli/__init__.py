"""The `turnlog` command. Nothing heavy is imported until a command needs it."""

import gc
import sys

_OBJECTS = 200_000
"""New ones before garbage is looked for: beginning makes fewer, and nearly all of them stay."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    gc.set_threshold(_OBJECTS, 10, 10)
    from .errors import run

    sys.exit(run(sys.argv[1:]))
