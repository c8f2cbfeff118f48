"""A simulated factory: paced lines on ptys and meters behind them."""
