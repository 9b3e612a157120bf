"""What `bench_textbook.py` times: the tuner on one's own network and data."""

from textbook_data import LSTMModel, windows

import tuner

found = tuner.tune(windows(), model=LSTMModel, trials=12)
print(found.verdict, found.params)
