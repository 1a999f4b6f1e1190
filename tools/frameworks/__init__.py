"""Build minimal apps with real frameworks, upload their source maps, run them and resolve what PostHog's SDKs send."""
