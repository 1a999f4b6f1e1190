"""The properties that exceptions have, to filter by."""
