"""Choosing, ending, running, keeping and comparing trials."""
