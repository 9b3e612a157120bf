"""Choosing, running and ending trials, and what is trained once they are told; nothing here stores, draws or prints."""
