"""PostHog's symbol sets and releases, and the object storage behind them."""
