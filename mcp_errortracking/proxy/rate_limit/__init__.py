"""Keep each key under PostHog's rate limits: calls wait their turn instead of failing."""
