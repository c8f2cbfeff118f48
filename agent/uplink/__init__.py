"""Uplinks: cursors into the journal that end at a receiver."""
