"""The local page: what the gateway sees, for someone standing before it."""
