"""Training one trial on all folds; knows nothing of Optuna."""
