# For other kernels only: nothing here is visible to Python.
