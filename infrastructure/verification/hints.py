"""By what the schema of hints is told: whose it is, and whether all its tables are there."""

from typing import Final

HINTS: Final = "turnlog: hints for workers, by "
"""Begins the comment on a schema of hints that is turnlog's; the library they are made with follows."""

HINT_TABLES: Final = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers")
