"""From files to leakage-free folds of windows; nothing here knows of networks or scores."""
