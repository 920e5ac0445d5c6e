"""Sessions going out of a log, and into another."""
