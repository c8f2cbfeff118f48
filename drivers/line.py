"""What a bus loop needs of the line it works on."""

from typing import Protocol

from zerometer.core.points import LineSettings


class Line(Protocol):
    """An open line: a descriptor that does not block, and how bytes travel on it.

    A port that is gone shows as end of file or as an error of the descriptor.
    """

    @property
    def fd(self) -> int:
        """The descriptor."""

    @property
    def settings(self) -> LineSettings:
        """How bytes travel."""

    def close(self) -> None:
        """Give the port back; may be called again."""
