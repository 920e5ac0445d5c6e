"""Who runs which session, and who takes it up when they are gone."""
