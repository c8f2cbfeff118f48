"""The receiving end: takes batches, commits them once, then acknowledges."""
