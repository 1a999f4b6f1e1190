"""Publishing: the names of the project at its publishers, server.json, and the checks before a release."""
