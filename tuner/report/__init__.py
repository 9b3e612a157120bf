"""Figures and pages; the only importer of plotly."""
