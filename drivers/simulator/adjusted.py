"""Loads made of others: one whose counters can be set, and a part of one."""

from zerometer.drivers.simulator.plant import Model


class Adjusted:
    """*model*, with import and export indices that are its own until they are set."""

    def __init__(self, model: Model) -> None:
        self.unit = model.unit
        self.power = model.power
        self._model = model
        self._offset = (0.0, 0.0)

    def energy(self, time_ns: int) -> tuple[float, float]:
        """Return the import and export indices at *time_ns*, both >= 0."""
        imported, exported = self._model.energy(time_ns)
        more_in, more_out = self._offset
        return max(imported + more_in, 0.0), max(exported + more_out, 0.0)

    def set(self, time_ns: int, imported: float, exported: float) -> None:
        """Let the indices be these at *time_ns*, and count on from there."""
        is_in, is_out = self._model.energy(time_ns)
        self._offset = (imported - is_in, exported - is_out)


class Part:
    """A constant *share* of what *model* measures."""

    def __init__(self, model: Model, share: float) -> None:
        self.unit = model.unit
        self._model = model
        self._share = share

    def power(self, time_ns: int) -> float:
        """Return the power at the boot-time instant *time_ns*."""
        return self._share * self._model.power(time_ns)

    def energy(self, time_ns: int) -> tuple[float, float]:
        """Return the import and export indices at *time_ns*, both >= 0."""
        imported, exported = self._model.energy(time_ns)
        return self._share * imported, self._share * exported
