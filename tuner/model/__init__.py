"""The network and its penalties."""
