"""The study file as validated, frozen values; nothing here reads data."""
