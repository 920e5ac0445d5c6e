"""Tasks that run on while a turn goes on."""
