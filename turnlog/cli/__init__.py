"""The `turnlog` command. Nothing heavy is imported until a command needs it."""

import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    from .errors import run

    sys.exit(run(sys.argv[1:]))
