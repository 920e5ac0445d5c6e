"""Why a call was decided as it was, and what other rules would have said."""
