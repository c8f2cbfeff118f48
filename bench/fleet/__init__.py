"""Thousands of gateways into one PostgreSQL, by way of a broker."""
