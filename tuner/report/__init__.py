"""Figures, tables and pages of a study; nothing here trains, stores or prints."""
