"""Thirty simulated days without a network, and what becomes of them when it is back."""
