"""Certificates and contracts: read from files, kept, matched with what was bought."""
