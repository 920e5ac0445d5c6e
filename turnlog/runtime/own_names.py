"""The names of what belongs to turnlog itself."""

from turnlog.domain import FIND_TOOLS, OUTPUT_TOOL, READ_TOOL_RESULT

COMPACT = "compact"
"""The tool by which a model asks for a compaction."""

OWN_TOOLS = frozenset({OUTPUT_TOOL, READ_TOOL_RESULT, COMPACT, FIND_TOOLS})
"""The tools that belong to turnlog itself and touch nothing outside the log."""
