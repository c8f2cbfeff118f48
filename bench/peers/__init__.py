"""Other programs that read meters, beside Zerometer on the same paced line."""
