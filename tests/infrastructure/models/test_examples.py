"""Every example runs as it is: on a provider without mercy it gets as far as the provider."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.wire.server import Answer, serving

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("with_*.py"))
REFUSED = Answer([b'{"error": {"message": "no"}}'], 401, "application/json")


def everywhere(url: str) -> dict[str, str]:
    """The variables that send every provider to a URL, with a key for each."""
    keyed = ("ANTHROPIC", "OPENAI", "GOOGLE", "OPENROUTER", "TURNLOG_COMPATIBLE")
    based = ("OPENAI", "OPENROUTER", "OLLAMA", "LMSTUDIO", "TURNLOG_COMPATIBLE")
    return (
        {f"{name}_API_KEY": "no-key" for name in keyed}
        | {f"{name}_BASE_URL": f"{url}/v1" for name in based}
        | {"ANTHROPIC_BASE_URL": url, "GOOGLE_GEMINI_BASE_URL": url, "NO_PROXY": "*"}
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_asks_its_provider(example: Path, tmp_path: Path) -> None:
    async with serving(REFUSED) as server:
        run = await asyncio.create_subprocess_exec(
            sys.executable,
            str(example),
            cwd=tmp_path,
            env=os.environ | everywhere(server.url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await run.communicate()
    assert server.asked
    assert run.returncode == 1
    assert b"the provider refused the credentials" in said.splitlines()[-1]
