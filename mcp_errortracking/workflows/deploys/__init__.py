"""The effect of a deploy: the issues of two ranges of time, compared."""
