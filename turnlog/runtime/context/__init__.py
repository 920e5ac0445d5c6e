"""Keeping a conversation within what its model can take."""
