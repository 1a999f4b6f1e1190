"""The changes that were made through this server: listed from its journal, and undone."""
