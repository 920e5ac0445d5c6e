"""The process that keeps the Postgres of a benchmark: that of the tests, with fsync on and its own cache size."""

import json
import subprocess
import sys

from tests import postgres_server

SETTINGS = ("shared_buffers=128MB",)  # Postgres's own default; the tests use less


def main() -> None:
    """Keep a server until whoever started this is done with it; whatever goes wrong is the line he reads."""
    try:
        postgres_server.keep(SETTINGS)
    except (postgres_server.PostgresFailed, OSError, subprocess.SubprocessError) as failure:
        sys.stdout.write(json.dumps({"error": str(failure)}) + "\n")


if __name__ == "__main__":
    main()
