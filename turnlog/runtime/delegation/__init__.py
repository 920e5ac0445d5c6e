"""Subagents: sessions that work for a session."""
