"""Whether a call may run: rules, gates, persons, and the record of what was decided."""
