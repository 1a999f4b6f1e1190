"""Upload prepared chunks: hash, compare, start, send, finish."""
