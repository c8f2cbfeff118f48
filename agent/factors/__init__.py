"""Emission factors that change: where their values come from and are kept."""
