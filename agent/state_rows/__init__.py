"""Rows of the stream ``state``: what explains the numbers of the others."""
