"""Training one configuration on all folds in lock-step; nothing here knows of Optuna, trials or the store."""
