"""What burning a fuel emits, from what it is made of."""

from dataclasses import dataclass

#: Molar masses of CO2 and of carbon, g/mol, as all guidelines round them.
CO2_PER_CARBON = 44.0 / 12.0
KG_PER_T = 1000.0


@dataclass(frozen=True, slots=True)
class Combustion:
    """A fuel: its net calorific value, carbon content and oxidised part.

    ``ncv_gj`` is in GJ per unit of the fuel (kg, or Nm3 at 0 degC and 101.325 kPa),
    ``carbon_t_per_gj`` in t of carbon per GJ, ``oxidation`` is 0 to 1.
    """

    ncv_gj: float
    carbon_t_per_gj: float
    oxidation: float

    @property
    def kg_per_unit(self) -> float:
        """The CO2 that a unit of the fuel emits, kg.

        NCV x CC x OF x 44/12: GB/T 32150-2025; 2006 IPCC Guidelines, volume 2,
        chapter 2.
        """
        carbon_t = self.ncv_gj * self.carbon_t_per_gj * self.oxidation
        return carbon_t * KG_PER_T * CO2_PER_CARBON
