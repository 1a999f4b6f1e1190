"""A small PostHog to try things on: a web app with its own storage, which shares no code with what it tests."""
