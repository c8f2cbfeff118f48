from array import array
from typing import Final, final

from zerometer.core._flow_store import FlowStore

NO_FLOW: Final[int]
SHORT: Final[int]
CLOSED: Final[int]

@final
class FlowGraph(FlowStore):
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
      ``weight * quantity``; without any output it is booked to its *idle* place.
      One with a place in *losses* gives what it takes: what it takes more is booked
      there, what it gives more enters as *unmeasured*. Where it has a *bonus*, that
      output carries its quantity of that origin, and the others so much less;
    - an outflow takes to its place, a tank's charge to the tank (all of the
      make-up, and ``efficiency`` of the energy) and its place, and the rest of
      the pool goes to the pool's *remainder* place;
    - when more leaves a pool than enters, the shortfall enters as the origin
      *unmeasured*.

    What enters equals what the places get, origin by origin, to rounding. Nothing
    is ever NaN, and nothing negative but the origin of a bonus. Pools in loops are
    solved together, by an elimination that never subtracts (Grassmann, Taksar and
    Heyman 1985): the exits of each pool are known, so its pivot is their sum, and
    near-closed loops lose no accuracy. Where a loop has no exit at all, its pools
    have no make-up, and what enters it is booked to the remainder place of the
    last of them.
    """

    def solve(
        self,
        flows: array[float],
        durations_ns: array[int],
        sums: array[float],
        carries: array[float],
        shares: array[float],
        conditions: bytearray,
    ) -> int:
        """Solve a block of ticks, in order; add to the totals.

        *flows* holds a row with the quantity of each flow (0 to 1e18) for each of
        *durations_ns* ('q').
        The totals, ``width`` columns, are ``sums[i] + carries[i]`` (Neumaier
        1974). Of the last tick, ``shares`` gets the make-up of a unit of each
        pool (``pools * origins``: origin units per pool unit; 0 where there is
        none) and ``conditions``, by pool, NO_FLOW (nothing flowed: undefined),
        SHORT (more left than entered) and CLOSED (no way out: undefined).
        Returns the conditions of all ticks and pools, or-ed.

        UsageError, and nothing done, for a quantity that is none, or arrays of
        the wrong length.
        """
