"""What came of a call, as the log may hold it: JSON where that is promised, and no known secret anywhere."""

import json
from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue, TypeAdapter

from turnlog.domain import Call, Redaction, ToolImage, ToolOutput, clean, commands

from ..worker import Worker
from .pages import stored_output
from .redacting import Redactor

_OBJECT = TypeAdapter(dict[str, JsonValue])


def checked_output(output: object) -> ToolOutput:
    """What a tool returned, whatever the types promised."""
    if not isinstance(output, ToolOutput):
        said = f"the tool returned {type(output).__name__}, which is no output; what it did stays done"
        return ToolOutput((said,), is_error=True)
    if odd := _odd_parts(output.content):
        return ToolOutput((f"the tool returned {odd[0]} where there can be texts and images alone",), is_error=True)
    return output


def _odd_parts(parts: Iterable[object]) -> list[str]:
    return [type(part).__name__ for part in parts if not isinstance(part, str | ToolImage)]


async def result_of(worker: Worker, call: Call, output: ToolOutput, duration_ms: int) -> commands.tools.Result:
    """The result as it is recorded. Secrets are taken out before the text is cut to pages. Raises StoreError."""
    found = Counter[str]()
    redactor = worker.env.redactor
    stored = await stored_output(worker, call, _redacted(redactor, output, found))
    details = _details(redactor, output, found)
    return commands.tools.Result(
        content=stored.content,
        is_error=output.is_error,
        details=details,
        full=stored.full,
        duration_ms=duration_ms,
        redactions=tuple(Redaction(secret=name, count=count) for name, count in sorted(found.items())) or None,
    )


def _redacted(redactor: Redactor, output: ToolOutput, found: Counter[str]) -> ToolOutput:
    """All texts as one, so that nothing hides at a seam, and the images that show no secret by their bytes."""
    if not redactor:
        return output
    text = "\n".join(part for part in output.content if isinstance(part, str))
    images: list[str | ToolImage] = []
    for part in output.content:
        if isinstance(part, str):
            continue
        secret = redactor.secret_in(part.data)
        if secret is None:
            images.append(part)
        else:
            found[secret] += 1
            text = f"{text}\n[an image was left out: secret {secret} is in it]"
    texts = [redactor.text(clean(text), found)] if text else []
    return ToolOutput((*texts, *images), output.is_error, output.details)


def _details(redactor: Redactor, output: ToolOutput, found: Counter[str]) -> dict[str, JsonValue] | None:
    """What a tool tells the host, where that is JSON; the log holds nothing else."""
    try:
        details = _OBJECT.validate_json(clean(json.dumps(dict(output.details), allow_nan=False, ensure_ascii=False)))
    except (TypeError, ValueError, RecursionError) as error:
        return {"unreadable": f"the tool's details are not JSON: {redactor.text(clean(str(error)), found)}"}
    return (_OBJECT.validate_python(redactor.json(details, found)) if redactor else details) or None
