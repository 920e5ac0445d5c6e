"""Running recorded turns again with nothing but the record."""
