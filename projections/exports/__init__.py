"""A session in the formats of others, and in our own: pure shapes, read from the log by the runtime."""

from . import jsonl, markdown, openai_chat, otel, references

__all__ = ["jsonl", "markdown", "openai_chat", "otel", "references"]
