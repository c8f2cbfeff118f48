"""Bytes and numbers in, bytes and numbers out.

No files, no sockets, no clock, no logger, no configuration: what is here can
be tested with values alone. Kernels (``_name``) are compiled; the plain types
and rules that all layers share stand beside them.
"""
