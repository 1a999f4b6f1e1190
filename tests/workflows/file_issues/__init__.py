"""The issues in files, with real checkouts and the sandbox."""
