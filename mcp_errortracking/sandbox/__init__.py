"""The sandbox: a small PostHog with its own storage, which shares no code with the client that it tests."""
