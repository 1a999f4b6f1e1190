"""The work of the tools in `tools.py`, one module each, imported when a tool is called."""
