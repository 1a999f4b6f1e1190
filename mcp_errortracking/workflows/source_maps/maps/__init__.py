"""Source maps and scripts as data. No PostHog, no network."""
