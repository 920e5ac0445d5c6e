"""Permissions: how long a decision takes among a thousand rules, and what share of commands the tokeniser reads."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from time import perf_counter

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    ExactArgv,
    ExactCall,
    FileAccess,
    Hosts,
    JsonKeys,
    JudgedCall,
    PermissionRule,
    Program,
)
from turnlog.infrastructure import permissions

from .cells import Bench
from .figures import Figure, Sample, at_least, at_most, figure, of_cell, percentile
from .tldr import command_lines

COMMANDS = Path(__file__).with_name("commands.txt")
RULES = 1_000
PASSES = 4
EXPECTED = {
    *(("shell", verdict) for verdict in ("allow", "prompt", "deny")),
    *(("write_file", verdict) for verdict in ("allow", "prompt", "deny")),
    *(("fetch", verdict) for verdict in ("allow", "deny")),
    *(("deploy", verdict) for verdict in ("allow", "prompt")),
    ("read_file", "allow"),
}
"""What has to come out, by tool: were one missing, a whole path through the rules was not measured."""

PROGRAMS = ("git", "docker", "npm", "kubectl", "cargo", "systemctl", "aws", "go", "helm", "tool")
READ_ONLY: Sequence[tuple[str, ...]] = (
    *(("git", verb) for verb in ("status", "log", "diff")),
    *(("ls",), ("cat",), ("grep",), ("docker", "ps")),
)
RUN_BY_NAME: Sequence[tuple[str, ...]] = (
    *(("pytest",), ("make",), ("npm", "test"), ("npm", "ci")),
    *(("go", "vet", "./..."), ("cargo", "test")),
)


def measure(bench: Bench) -> list[Figure]:
    """Decisions on commands, files and addresses; and the commands that the tokeniser reads."""
    with tempfile.TemporaryDirectory() as directory:
        workspace = Path(directory)
        calls = _calls(workspace, _example_commands())
        cell = partial(_decide, _rules(), calls, 1 if bench.quick else PASSES)
        rounds = bench.interleave("permissions", {"judge": cell})
    shares = [figure("grammar_share", [_grammar_share(_example_commands())], "%")]
    if bench.tldr is not None:
        shares.append(figure("grammar_share_tldr", [_grammar_share(command_lines(bench.tldr))], "%", at_least(90)))
    return [
        figure("permission_p50_ms", of_cell(rounds, "judge", "p50_ms"), "ms"),
        figure("permission_p99_ms", of_cell(rounds, "judge", "p99_ms"), "ms", at_most(5)),
        *shares,
    ]


def _decide(rules: Sequence[PermissionRule], calls: Sequence[JudgedCall], passes: int) -> Sample:
    """Milliseconds of a decision. Raises RuntimeError where the decisions are not those that were to be measured."""
    judge = permissions.StructuredPermissions().judge
    found: set[tuple[str, str]] = {(call.tool, judge(rules, call).verdict) for call in calls}  # warms up
    if found != EXPECTED:
        raise RuntimeError(f"decisions are missing, or others than expected: {sorted(found ^ EXPECTED)}")
    times: list[float] = []
    for _ in range(passes):
        for call in calls:
            begun = perf_counter()
            judge(rules, call)
            times.append((perf_counter() - begun) * 1000)
    return {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}


def _grammar_share(commands: Sequence[str]) -> float:
    """Per cent of command lines that the strict tokeniser accepts."""
    accepted = sum(isinstance(permissions.tokenise(command), permissions.Parsed) for command in commands)
    return 100 * accepted / len(commands)


def _example_commands() -> list[str]:
    return [line for line in COMMANDS.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def _rules() -> tuple[PermissionRule, ...]:
    """A thousand rules, of every kind and in no order; half are about commands."""
    rules = [*_few_that_match(), *islice(_many_that_do_not(), RULES)][:RULES]
    Random(7).shuffle(rules)
    return tuple(rule.model_copy(update={"id": f"rule-{number}"}) for number, rule in enumerate(rules))


def _few_that_match() -> Iterator[PermissionRule]:
    """What the calls below are allowed or denied by."""
    for words in READ_ONLY:
        yield _rule("shell", "allow", ArgvPrefix(argv_prefix=words, flags="any", positionals="workspace"))
    for words in RUN_BY_NAME:
        yield _rule("shell", "allow", ExactArgv(exact=words))
    yield _rule("shell", "deny", Program(program="git", subcommand=("push",), needs=(("-f", "--force"),)))
    yield _rule("shell", "deny", Program(program="sudo"))
    yield _rule("shell", "deny", Program(program="rm", needs=(("-r", "-R", "--recursive"),)))
    yield _rule("shell", "prompt", Program(program="curl"))
    yield _rule("write_file", "allow", FileAccess(op="write", under="src"))
    yield _rule("write_file", "deny", FileAccess(op="write", under="src/part3"))
    yield _rule("read_file", "allow", FileAccess(op="read"))
    yield _rule("fetch", "allow", Hosts(hosts=("docs.example.com",)))
    yield _rule("fetch", "deny", Hosts(hosts=("internal.example.com",)))
    yield _rule("deploy", "allow", ExactCall(digest=_digest(7), shown="deploy 7"))


def _many_that_do_not() -> Iterator[PermissionRule]:
    """Rules of every kind in turn, without end; half of them about commands, most others about tools of the calls."""
    number = 0
    while True:
        program, verb = PROGRAMS[number % len(PROGRAMS)], f"verb{number}"
        yield _rule("shell", "allow", ArgvPrefix(argv_prefix=(program, verb), flags=("-n", "--all"), positionals="any"))
        yield _rule("shell", "allow", ExactArgv(exact=(program, verb, "--now")))
        yield _rule("shell", "deny", Program(program=program, subcommand=(verb,), needs=(("-f", "--force"),)))
        yield _rule("shell", "prompt", Program(program=program, subcommand=(verb, "apply")))
        yield _rule("shell", "allow", ExactCall(digest=_digest(1_000 + number), shown=f"{program} {verb}"))
        yield _rule("write_file", "allow", FileAccess(op="write", under=f"lib/part{number}"))
        yield _rule("read_file", "deny", FileAccess(op="read", under=f"private/part{number}"))
        yield _rule("fetch", "allow", Hosts(hosts=(f"host{number}.example.com",)))
        yield _rule("report", "allow", JsonKeys(keys=("title", f"field{number}")))
        yield _rule(f"tool{number}", "allow", AnyCall())
        number += 1


def _rule(tool: str, effect: str, matcher: object) -> PermissionRule:
    return PermissionRule.model_validate({"tool": tool, "effect": effect, "matcher": matcher})


def _digest(number: int) -> str:
    return sha256(f"call {number}".encode()).hexdigest()


def _calls(workspace: Path, commands: Sequence[str]) -> list[JudgedCall]:
    """Every example command, and a third as many calls of other tools, in a workspace with a few files."""
    for part in range(8):
        place = workspace / f"src/part{part}"
        place.mkdir(parents=True)
        (place / "code.py").write_text("pass\n", "utf-8")
    calls = [JudgedCall("shell", {"command": command}, workspace) for command in commands]
    for number in range(len(commands) // 12):
        path = f"{'src' if number % 5 else 'docs'}/part{number % 10}/code.py"
        calls += [
            JudgedCall("write_file", {"path": path, "content": "pass\n"}, workspace),
            JudgedCall("read_file", {"path": path}, workspace),
            JudgedCall("fetch", {"url": f"https://{('docs', 'internal')[number % 2]}.example.com/{number}"}, workspace),
            JudgedCall("deploy", {"build": number}, workspace, _digest(number)),
        ]
    Random(7).shuffle(calls)
    return calls
