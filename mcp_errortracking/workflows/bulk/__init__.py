"""Changes of all issues that match: shown first, then made."""
