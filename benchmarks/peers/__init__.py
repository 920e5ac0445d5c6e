"""The same sessions on turnlog and on the session stores of other agent frameworks. Needs `.venv-peers`."""
