"""Google's Gemini API as it goes over the wire: `models/MODEL:streamGenerateContent?alt=sse`.

The fields are those of ai.google.dev/api: `GenerateContentResponse`, `Part`, `UsageMetadata`, "Thought signatures"
and "Troubleshooting"; errors are `google.rpc.Status` with its details.
"""

import json
from typing import Any

from .providers import Provider
from .server import Answer, Asked

MODEL = "gemini-2.5-flash"
NAME = f"google:{MODEL}"
RESPONSE_ID = "Nw8fa5TpGoXhzdIPs4LmkRc"
GOOGLE = Provider(NAME, key="AIzaSyNoRealKey-0123456789", base_url_in="GOOGLE_GEMINI_BASE_URL", key_in="GOOGLE_API_KEY")
HTML = b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n<p><b>502.</b></html>\n"
"""What a proxy before it says."""

Json = dict[str, Any]


def text(words: str, *, signature: str | None = None) -> Json:
    """A part of text."""
    return {"text": words, **_signed(signature)}


def thought(words: str, *, signature: str | None = None) -> Json:
    """A summary of what the model thought."""
    return {"text": words, "thought": True, **_signed(signature)}


def call(name: str, args: Json, *, call_id: str | None = None, signature: str | None = None) -> Json:
    """A function call, whole: Gemini sends no pieces of arguments. Older models give it no id."""
    named = {} if call_id is None else {"id": call_id}
    return {"functionCall": {"name": name, "args": args, **named}, **_signed(signature)}


def image(media_type: str, data: str, *, signature: str | None = None) -> Json:
    """An image, in base64."""
    return {"inlineData": {"mimeType": media_type, "data": data}, **_signed(signature)}


def _signed(signature: str | None) -> Json:
    return {} if signature is None else {"thoughtSignature": signature}


def usage(prompt: int = 18, candidates: int = 5, thoughts: int = 0, cached: int = 0) -> Json:
    """Counts so far. What was cached is part of the prompt; what was thought is no part of the candidates."""
    counts: Json = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompt + candidates + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    if cached:
        counts["cachedContentTokenCount"] = cached
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached}]
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    return counts


def chunk(*parts: Json, finish: str | None = None, counts: Json | None = None, **more: Any) -> Json:
    """One event of a stream; `finish` says why it was the last, `more` are further fields of the candidate."""
    candidate: Json = {"content": {"parts": list(parts), "role": "model"}}
    if not parts:
        del candidate["content"]["parts"]
    if finish is not None:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate | {"index": 0} | more],
        "usageMetadata": usage() if counts is None else counts,
        "modelVersion": MODEL,
        "responseId": RESPONSE_ID,
    }


BEGUN = [chunk(text("So ")), chunk(text("far"))]
"""An answer as far as its first words."""


def blocked(reason: str) -> Json:
    """The only event of a stream whose prompt was refused: it has no candidates."""
    return {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {
            "promptTokenCount": 18,
            "totalTokenCount": 18,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 18}],
        },
        "modelVersion": MODEL,
        "responseId": RESPONSE_ID,
    }


def sse(*chunks: Json) -> list[bytes]:
    """Events on the wire, one a piece; Google ends its lines with CR LF."""
    return [f"data: {json.dumps(each, ensure_ascii=False)}\r\n\r\n".encode() for each in chunks]


def says(*chunks: Json) -> Answer:
    """An answer that streams these events."""
    return Answer(sse(*chunks))


def answer(*parts: Json, finish: str = "STOP", counts: Json | None = None) -> Answer:
    """An answer that streams a part an event, and ends with an empty text, as Gemini does."""
    return says(*(chunk(part, counts=counts) for part in parts), chunk(text(""), finish=finish, counts=counts))


def error(code: int, status: str, words: str, *details: Json) -> Json:
    """An error, as the body of an answer or inside a stream."""
    said: Json = {"code": code, "message": words, "status": status}
    return {"error": said | ({"details": list(details)} if details else {})}


def refusal(code: int, status: str, words: str, *details: Json) -> Answer:
    """An answer that is an error: JSON over several lines, also where events were asked for."""
    page = json.dumps(error(code, status, words, *details), indent=2).encode()
    return Answer([page], code, "application/json; charset=UTF-8")


def retry_info(delay: str) -> Json:
    """When to try again."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota_failure(quota: str) -> Json:
    """Which quota is used up."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota,
        "quotaDimensions": {"location": "global", "model": MODEL},
        "quotaValue": "10",
    }
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


def error_info(reason: str) -> Json:
    """Why, in a word."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def body(asked: Asked) -> Json:
    """What was asked, in the reference's spelling: proto3's JSON takes `mime_type` for `mimeType`.

    Names inside arguments and schemas are changed as well; those of these tests have no underscore.
    """
    read: Json = json.loads(asked.body, object_pairs_hook=lambda pairs: {_camel(name): value for name, value in pairs})
    return read


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
