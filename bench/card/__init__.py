"""What the journal writes to a memory card."""
