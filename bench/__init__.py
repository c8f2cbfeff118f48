"""Comparisons: compiled against plain Python, Zerometer against its peers."""
