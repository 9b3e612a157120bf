"""Looks for mistakes in a network, its data and its optimiser before anything is trained; nothing here searches."""
