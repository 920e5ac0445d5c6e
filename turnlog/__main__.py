"""`python -m turnlog` is the `turnlog` command."""

from turnlog.cli import main

main()
