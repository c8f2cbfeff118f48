"""The whole chain under kill -9."""
