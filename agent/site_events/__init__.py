"""Dated events of a running site: kept for good, told by file, command or request."""
