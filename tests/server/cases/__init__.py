"""A call of every tool against a small project: what it sends, what it answers, what an agent reads."""
