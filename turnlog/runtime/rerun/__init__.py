"""Running recorded turns again, live, in a fork."""
