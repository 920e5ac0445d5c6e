"""The benchmarks run, and write every figure they promise; what the figures say is not for a test."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROMISED = {
    *(f"append_ratio_{other}_{writers}" for other in ("stock", "raw") for writers in (1, 8, 32)),
    *(f"append_{share}_ms_{writers}" for share in ("p50", "p99") for writers in (1, 8, 32)),
    *(f"sqlite_append_ratio_stock_{writers}" for writers in (1, 8, 32)),
    *(f"rebuild_{events}_ms" for events in (100, 1_000, 10_000)),
    "blame_2000_ms",
    "bytes_per_event",
    "bytes_ratio",
    "catch_up_ratio_stock",
    "follower_duplicated",
    "follower_lag_ms",
    "follower_missed",
    "follower_reordered",
    "grammar_share",
    "help_s",
    "import_turnlog_s",
    "permission_p50_ms",
    "permission_p99_ms",
    "processes_ratio_4",
    "rebuild_ratio_stock_10000",
    "show_any_version_2000_ms",
    "show_s",
    "sqlite_rebuild_10000_ms",
}


def test_a_quick_run_writes_every_promised_figure(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    (tmp_path / "page.md").write_text("# page\n\n- Look:\n\n`ls {{[-a|--all]}} {{path/to/place}}`\n")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--tldr", str(tmp_path), "--output", str(output)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=110)
    assert run.returncode == 0, run.stderr[-3000:]
    figures: dict[str, dict[str, Any]] = json.loads(output.read_text())
    assert set(figures) >= PROMISED
    for name, figure in figures.items():
        assert set(figure) == {"value", "unit", "spread", "target"}, name
        least, most = figure["spread"]
        assert least <= figure["value"] <= most, name
        assert name in run.stdout
    assert figures["append_ratio_stock_32"]["target"] == ">= 25"
    assert figures["follower_missed"]["value"] == 0
    assert figures["permission_p99_ms"]["target"] == "<= 5"
    assert figures["grammar_share_tldr"] == {"value": 100, "unit": "%", "spread": [100, 100], "target": ">= 90"}
    assert 0 < figures["grammar_share"]["value"] < 100


def test_no_example_command_counts_twice() -> None:
    lines = (ROOT / "benchmarks/commands.txt").read_text("utf-8").splitlines()
    commands = [line for line in lines if not line.startswith("#")]
    assert len(commands) > 400
    assert "" not in commands
    assert sorted(set(commands)) == sorted(commands)
