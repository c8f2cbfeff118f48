"""The batch format: what the gateway seals, sends and a receiver opens.

This is the public decoder library; ``docs/batch-format.md`` describes the bytes.
"""

from zerometer.agent.batch.envelope import batch_hash, decode, encode, peek, verify
from zerometer.agent.batch.model import Batch, Column, Gap, Header, Missing, Table

__all__ = [
    "Batch",
    "Column",
    "Gap",
    "Header",
    "Missing",
    "Table",
    "batch_hash",
    "decode",
    "encode",
    "peek",
    "verify",
]
