"""Lines: what a bus is reached by, serial or over a network."""
