"""Permission rules: what they match, how a command is read, and the verdict.

A verdict says what was intended, it contains nothing: a deny rule can be got around by a program nobody thought of,
and what an allowed program does is its own affair. Containment is for a sandbox.

What is here is imported when it is first asked for: most of it is tables and patterns, which few processes need.
"""

from typing import TYPE_CHECKING

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    Example,
    FileAccess,
    Hosts,
    JsonKeys,
    Matcher,
    PermissionRule,
    Program,
    SqlReadOnly,
    Verdict,
    on_demand,
    parse_rule,
)

if TYPE_CHECKING:
    from .adapter import StructuredPermissions
    from .calls import ToolCall, call_from_text, call_of
    from .cases import Answer, judge_case
    from .citing import Finding
    from .developer import developer_rules
    from .envelope import Envelope, approval_refusal
    from .evaluation import Judgement, Trace, judge
    from .examples import example_faults
    from .patterns import fully_matches
    from .proposing import proposals_for
    from .rule_files import read_rules
    from .surroundings import surroundings_of
    from .tokens import Parsed, Refused, SimpleCommand, tokenise
    from .widest import PossibleCommand, Widest, possible_commands

__all__ = [
    # The port
    "StructuredPermissions",
    "proposals_for",
    "surroundings_of",
    # Rules
    "AnyCall",
    "ArgvPrefix",
    "ExactArgv",
    "ExactCall",
    "Example",
    "FileAccess",
    "Hosts",
    "JsonKeys",
    "Matcher",
    "PermissionRule",
    "Program",
    "SqlReadOnly",
    "developer_rules",
    "example_faults",
    "fully_matches",
    "parse_rule",
    "read_rules",
    # Verdicts
    "Finding",
    "Judgement",
    "ToolCall",
    "Trace",
    "Verdict",
    "call_from_text",
    "call_of",
    "judge",
    # Approvals
    "Envelope",
    "approval_refusal",
    # Reading commands
    "Parsed",
    "PossibleCommand",
    "Refused",
    "SimpleCommand",
    "Widest",
    "possible_commands",
    "tokenise",
    # Cases
    "Answer",
    "judge_case",
]

if not TYPE_CHECKING:  # or every name would count as one that is here
    __getattr__ = on_demand(
        __name__,
        {
            "adapter": "StructuredPermissions",
            "calls": "ToolCall call_from_text call_of",
            "cases": "Answer judge_case",
            "citing": "Finding",
            "developer": "developer_rules",
            "envelope": "Envelope approval_refusal",
            "evaluation": "Judgement Trace judge",
            "examples": "example_faults",
            "patterns": "fully_matches",
            "proposing": "proposals_for",
            "rule_files": "read_rules",
            "surroundings": "surroundings_of",
            "tokens": "Parsed Refused SimpleCommand tokenise",
            "widest": "PossibleCommand Widest possible_commands",
        },
    )
