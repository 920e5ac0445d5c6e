"""Permission rules: what they match, how a command is read, and the verdict.

A verdict says what was intended, it contains nothing: a deny rule can be got around by a program nobody thought of,
and what an allowed program does is its own affair. Containment is for a sandbox.
"""

from .calls import ToolCall, call_from_text, call_of
from .cases import Answer, judge_case
from .developer import developer_rules
from .envelope import Envelope, approval_refusal
from .evaluation import Finding, Judgement, Trace, Verdict, judge
from .examples import example_faults
from .matchers import ArgvPrefix, ExactArgv, FileAccess, Hosts, JsonKeys, Matcher, Program, SqlReadOnly
from .rules import Effect, Example, PermissionRule, parse_rule
from .tokens import Parsed, Refused, SimpleCommand, tokenise
from .widest import PossibleCommand, Widest, possible_commands

__all__ = [
    # Rules
    "ArgvPrefix",
    "Effect",
    "ExactArgv",
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
    "parse_rule",
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
