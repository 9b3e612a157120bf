"""Hyperparameter search for the regularisation strength of LSTMs."""

__version__ = "0.1.0"
