"""The hash chain of a stream: every event's leaf, and the chain value that commits to all events before it.

    leaf  = SHA-256(0x00 ‖ lp(stream) ‖ be64(version) ‖ lp(topic) ‖ lp(state))
    chain = SHA-256(0x02 ‖ chain of the event before ‖ leaf)

`lp` is the length in bytes as an unsigned 64-bit big-endian number, then the bytes; text is UTF-8. The chain before a
stream's first event is 32 zero bytes. Leaves are over the stored bytes, so checking needs neither keys nor our code.
The prefix 0x00 for leaves is that of RFC 6962; 0x01 stays free for the nodes of a Merkle tree over them.

This module imports nothing of turnlog: the verifier stands on it.
"""

import hashlib

GENESIS = bytes(32)
"""The chain value before a stream's first event."""


def leaf(stream: str, version: int, topic: str, state: bytes) -> bytes:
    """What one stored event contributes: 32 bytes."""
    name, kind = stream.encode(), topic.encode()
    return hashlib.sha256(b"".join((b"\x00", _lp(name), version.to_bytes(8, "big"), _lp(kind), _lp(state)))).digest()


def link(before: bytes, leaf: bytes) -> bytes:
    """The chain value after an event: 32 bytes."""
    return hashlib.sha256(b"\x02" + before + leaf).digest()


def _lp(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data
