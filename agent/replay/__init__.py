"""Replay: the accounting of the live agent over recorded readings."""
