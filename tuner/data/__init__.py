"""From files to leakage-free folds of windows."""
