"""Rules as code: the rules of a project in a YAML file, planned against PostHog and applied to it."""
