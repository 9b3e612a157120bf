"""The tuner from Python, which `tuner` offers; no command needs it, and it trains and stores by the other rooms."""
