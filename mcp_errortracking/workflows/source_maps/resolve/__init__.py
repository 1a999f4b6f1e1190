"""Stack frames back to source, or the reason they cannot be resolved."""
