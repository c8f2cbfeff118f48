"""Journals without their agent: what is in one, whether it is whole, and out of it."""
