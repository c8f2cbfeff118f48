from array import array
from typing import Final, final

NO_FLOW: Final[int]
SHORT: Final[int]
CLOSED: Final[int]

@final
class FlowGraph:
    """Who used what from where: the carbon-flow solver of one site.

    Pools mix: what leaves a pool has the make-up of all that entered it in the
    same tick (proportional sharing; Bialek 1996, Kang et al. 2012). Quantities
    are per tick, in the pool's unit; *origins* are counted in their own units
    (kWh bought, Nm3 burned), so that an emission is ``sum(amount * factor)``
    for any set of factors.

    In one tick, for all pools at once:

    - an inflow brings its quantity of one origin; a tank brings its contents in
      the proportion of the energy that is taken out, as they stood before the
      tick, and beyond its energy the origin *unknown*;
    - a process passes all that its takes and burns carry to what it gives, by
      ``weight * quantity``; without any output it is booked to its *idle* place;
    - an outflow takes to its place, a tank's charge to the tank (all of the
      make-up, and ``efficiency`` of the energy) and its place, and the rest of
      the pool goes to the pool's *remainder* place;
    - when more leaves a pool than enters, the shortfall enters as the origin
      *unmeasured*.

    What enters equals what the places get, origin by origin, to rounding.
    Nothing is ever negative or NaN. Pools in loops are solved together, by an
    elimination that never subtracts (Grassmann, Taksar and Heyman 1985): the
    exits of each pool are known, so its pivot is their sum, and near-closed
    loops lose no accuracy. Where a loop has no exit at all, its pools have no
    make-up, and what enters it is booked to the remainder place of the last of
    them.
    """

    def __init__(
        self,
        pools: int,
        origins: int,
        places: int,
        dead_bands: array[float],
        inflows: array[int],
        outflows: array[int],
        takes: array[int],
        gives: array[int],
        weights: array[float],
        burns: array[int],
        idle: array[int],
        tanks: array[int],
        efficiencies: array[float],
        remainders: array[int],
        unmeasured: array[int],
    ) -> None:
        """Compile a graph from tables, as FlowTables describes them; by keyword.

        The tables are copied. Whatever its dead band, a quantity below 1e-18
        counts as 0. UsageError when the tables do not fit each other, or for a
        loop of more than 128 pools.
        """

    @property
    def width(self) -> int:
        """Columns of a row of totals.

        In this order: amounts by place and origin (``places * origins``),
        discharged by tank and origin (``tanks * origins``), entered by origin
        (tanks not among them), quantities by place, throughputs by pool, and by
        pool the ticks in which it was SHORT, and those in which it was CLOSED.
        """

    def solve(
        self,
        flows: array[float],
        ticks: int,
        sums: array[float],
        carries: array[float],
        shares: array[float],
        conditions: bytearray,
    ) -> int:
        """Solve a block of ticks, in order; add to the totals.

        *flows* holds ``ticks`` rows with the quantity of each flow (0 to 1e18).
        The totals, ``width`` columns, are ``sums[i] + carries[i]`` (Neumaier
        1974). Of the last tick, ``shares`` gets the make-up of a unit of each
        pool (``pools * origins``: origin units per pool unit; 0 where there is
        none) and ``conditions``, by pool, NO_FLOW (nothing flowed: undefined),
        SHORT (more left than entered) and CLOSED (no way out: undefined).
        Returns the conditions of all ticks and pools, or-ed.

        UsageError, and nothing done, for a quantity that is none, or arrays of
        the wrong length.
        """

    def tank(self, i: int) -> tuple[float, list[float]]:
        """Return what tank *i* holds: energy to be had, and its origins."""

    def state(self) -> bytes:
        """Return what the tanks hold.

        Little-endian: ``ZMfl``, u16 version 1, u16 zero, u32 tanks, u32 origins;
        then f64 per tank: energy, and the amount of each origin.
        """

    def restore(self, state: bytes) -> None:
        """Take up *state*; FormatError, and nothing changed, if it does not fit."""
