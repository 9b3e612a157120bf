"""The network and what acts on its weights; nothing here knows of data, folds or studies."""
