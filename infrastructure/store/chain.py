"""The hash chain's format, as the store uses it; it is defined beside the verifier, which must not import the store."""

from ..verification.chain import GENESIS, leaf, link

__all__ = ["GENESIS", "leaf", "link"]
