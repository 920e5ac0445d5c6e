"""Any moment of a session: named, shown, compared, and gone on from."""
