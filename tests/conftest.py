"""What holds for all tests."""

from hypothesis import settings

# The same examples in every run, however busy the machine is.
settings.register_profile("zerometer", deadline=None, derandomize=True)
settings.load_profile("zerometer")
