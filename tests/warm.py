"""Imported once by the server that the tests' processes are forked from: what a first report imports late."""

import plotly.graph_objects as go

from tuner.report.page import render  # noqa: F401 (Jinja2 and its templates)
from tuner.report.style import styled

styled(go.Figure(go.Scatter(x=[0], y=[0]))).to_json()
