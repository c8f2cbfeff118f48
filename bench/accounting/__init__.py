"""What accounting costs: readings a second, a tick, a year."""
