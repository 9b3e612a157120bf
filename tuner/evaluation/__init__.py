"""Judges scores and forecasts, beside baselines and with intervals; nothing here trains a network."""
