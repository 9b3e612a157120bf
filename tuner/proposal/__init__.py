"""Proposes a study of a data file, and writes its study file; nothing here trains."""
