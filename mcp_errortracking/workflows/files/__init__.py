"""The user's files: only below the folders that the configuration names."""
