"""What a study of a data file could be, and the study file that says so; nothing here trains."""
