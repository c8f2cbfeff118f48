"""One paced line, polled by Zerometer and by its peers."""
