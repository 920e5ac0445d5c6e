"""What a rule covers, in words."""

import pytest
from pydantic import JsonValue

from turnlog.domain import parse_rule
from turnlog.projections import covers


@pytest.mark.parametrize(
    ("effect", "matcher", "told"),
    [
        ("allow", {"kind": "any"}, "every call"),
        ("allow", {"digest": "d", "shown": "pytest -q"}, "pytest -q"),
        ("allow", {"exact": ["git", "log", "a b"]}, "exactly git log 'a b'"),
        ("deny", {"argv_prefix": ["git", "push"]}, "git push"),
        ("allow", {"argv_prefix": ["ls"], "flags": ["-l", "-a"]}, "ls [-l -a]"),
        ("allow", {"argv_prefix": ["ls"], "flags": "any", "positionals": "any"}, "ls [any option] [words]"),
        (
            "allow",
            {"argv_prefix": ["head"], "value_flags": ["-n"], "positionals": "workspace", "max_positionals": 1},
            "head [-n VALUE] [at most 1 paths in the workspace]",
        ),
        ("allow", {"argv_prefix": ["make"], "positionals": ["test", "lint"]}, "make [of test lint]"),
        (
            "allow",
            {"argv_prefix": ["grep"], "first_positional_re": "[a-z]+", "positionals": "workspace"},
            "grep [first word matching [a-z]+, paths in the workspace]",
        ),
        (
            "deny",
            {"program": "git", "subcommand": ["push"], "needs": [["-f", "--force"]]},
            "git push with -f or --force",
        ),
        ("allow", {"op": "write", "under": "src"}, "write below ./src"),
        (
            "allow",
            {"hosts": ["a.example", "b.example"], "keys": ["url"]},
            "https to a.example, b.example, arguments url",
        ),
        ("allow", {"sql_readonly": True}, "SQL that only reads"),
        ("allow", {"keys": ["to", "text"]}, "arguments to, text"),
    ],
)
def test_a_matcher_is_told_in_words(effect: str, matcher: dict[str, JsonValue], told: str) -> None:
    assert covers(parse_rule({"tool": "t", "effect": effect, "matcher": matcher}).matcher) == told
