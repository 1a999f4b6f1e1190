"""The watch of an issue."""
