"""What the storages of a network hold, also where the network has changed."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zerometer.core.columns import decode_floats, encode_floats
from zerometer.core.network import Network
from zerometer.core.site import View
from zerometer.core.totals import Held


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the storages hold.

    ``energy``: what each can give. ``origins``: by storage and origin, as the view
    named first divides joint outputs. ``kg``: by view, of each storage.
    """

    energy: "array[float]"
    origins: "array[float]"
    kg: Mapping[View, "array[float]"]

    @classmethod
    def none(cls, network: Network) -> "Holdings":
        """Return storages that hold nothing."""
        tanks = len(network.tanks)
        return cls(
            _zeros(tanks),
            _zeros(tanks * len(network.origins)),
            {view: _zeros(tanks) for view in network.views},
        )

    def held(self) -> tuple[Held, ...]:
        """Return what each of them holds."""
        width = len(self.origins) // len(self.energy) if self.energy else 0
        return tuple(
            Held(
                energy,
                self.origins[i * width : (i + 1) * width],
                {view: kg[i] for view, kg in self.kg.items()},
            )
            for i, energy in enumerate(self.energy)
        )

    def packed(self) -> list[Any]:
        """Return them as plain values."""
        kg = {view: encode_floats(row) for view, row in self.kg.items()}
        return [encode_floats(self.energy), encode_floats(self.origins), kg]

    @classmethod
    def unpacked(cls, values: list[Any]) -> "Holdings":
        """Return what was *packed*."""
        energy, origins, kg = values
        return cls(
            floats(energy), floats(origins), {v: floats(row) for v, row in kg.items()}
        )

    def by_name(self, network: Network) -> dict[str, list[Any]]:
        """Return, by storage: its energy, its origins, and its kg by view."""
        names = [origin.name for origin in network.origins]
        return {
            tank.name: [
                held.energy,
                {n: a for n, a in zip(names, held.origins, strict=True) if a},
                dict(held.emissions_kg),
            ]
            for tank, held in zip(network.tanks, self.held(), strict=True)
        }

    @classmethod
    def of_names(cls, network: Network, named: dict[str, list[Any]]) -> "Holdings":
        """Return what storages of these names hold; an origin that is gone is unknown.

        Where kg of a view are not told, the site's factors say them.
        """
        found = cls.none(network)
        names = {origin.name: k for k, origin in enumerate(network.origins)}
        for i, tank in enumerate(network.tanks):
            energy, origins, *rest = named.get(tank.name, [0.0, {}])
            row = _zeros(len(names))
            for name, amount in origins.items():
                row[names.get(name, tank.unknown)] += amount
            found.energy[i] = energy
            found.origins[i * len(row) : (i + 1) * len(row)] = row
            for view, kg in found.kg.items():
                told = rest[0].get(view) if rest else None
                kg[i] = network.emission_kg(row, view) if told is None else told
        return found


def floats(data: bytes) -> "array[float]":
    """Return little-endian floats of 64 bits."""
    return decode_floats(data, len(data) // 8, "d")


def _zeros(count: int) -> "array[float]":
    return array("d", bytes(8 * count))
