"""Plain Python that says what the kernels must do."""
