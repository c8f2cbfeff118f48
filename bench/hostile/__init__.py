"""A million frames that no meter should send."""
