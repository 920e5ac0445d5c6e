"""Tool results cut to what a model can use; the whole is kept, and what was cut is said."""

from dataclasses import dataclass

from turnlog.domain import BlobRef, ImageBlock, ResultContent, TextBlock, ToolOutput, clean

from .environment import Environment


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """What a tool returned as an event may hold it; `full` is the whole text where `content` was cut."""

    content: tuple[ResultContent, ...]
    full: BlobRef | None


async def stored_output(env: Environment, output: ToolOutput) -> StoredOutput:
    """Cut a tool's text to the bounds of the settings and keep what is large apart. Raises StoreError."""
    text = clean("\n".join(part for part in output.content if isinstance(part, str)))
    images = [
        ImageBlock(image=await env.bodies.keep_image(part.data, part.media_type))
        for part in output.content
        if not isinstance(part, str)
    ]
    shown = cut(text, env.settings.result_lines, env.settings.result_bytes)
    full = None
    if shown != text:
        full = await env.blobs.put(text.encode(), "text/plain; charset=utf-8")
        shown = f"{shown.rstrip(chr(10))}\n{_notice(shown, text)}"
    content = [TextBlock(text=await env.bodies.keep(shown))] if shown or not images else []
    return StoredOutput((*content, *images), full)


def cut(text: str, lines: int, size: int) -> str:
    """The first whole lines within both bounds (`size` in bytes); a first line that is longer is itself cut."""
    kept: list[str] = []
    used = 0
    for line in text.splitlines(keepends=True)[:lines]:
        used += len(line.encode())
        if used > size:
            break
        kept.append(line)
    if kept or not text:
        return "".join(kept)
    return text.encode()[:size].decode(errors="ignore")


def _notice(shown: str, text: str) -> str:
    given, total = len(shown.splitlines()), len(text.splitlines())
    return f"[cut: {given:,} of {total:,} lines and {len(shown):,} of {len(text):,} characters shown]"
