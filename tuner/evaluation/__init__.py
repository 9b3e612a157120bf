"""How good scores and forecasts are, beside baselines and with intervals; nothing here trains a network."""
