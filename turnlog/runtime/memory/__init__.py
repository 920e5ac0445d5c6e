"""What a project remembers, and where it learned it."""
