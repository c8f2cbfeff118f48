"""What receiving costs."""
