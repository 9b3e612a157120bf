"""The study file as validated, frozen values."""
