"""The brief of an issue, with real checkouts and the sandbox."""
