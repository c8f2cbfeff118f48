"""Processes of a site file: what they take, burn and give, and what kind they are."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from zerometer.config.graph import GraphFile
from zerometer.config.problems import near
from zerometer.config.site_allocation import read_allocation
from zerometer.config.site_factors import fuel_factors
from zerometer.config.table import Table, shown
from zerometer.core.site import CARRIERS, Fuel, Pool, Process

#: Carriers that a process may burn.
FUELS = ("natural_gas", "hydrogen", "biogas", "diesel")
#: Of these, what is burned has taken its carbon from the air.
BIOGENIC = ("biogas",)

#: Kinds that give what they take, and may count their losses apart.
BRANCHES = ("feeder", "transformer")
#: What each kind makes, and what else it may give. None: anything.
MAKES: Mapping[str, tuple[frozenset[str], frozenset[str]] | None] = {
    "generic": None,
    "feeder": None,
    "transformer": (frozenset({"electricity"}), frozenset()),
    "boiler": (frozenset({"heat", "steam"}), frozenset()),
    "chp": (frozenset({"electricity"}), frozenset({"heat", "steam", "cooling"})),
    "compressor": (
        frozenset({"compressed_air", "natural_gas", "hydrogen", "biogas", "co2"}),
        frozenset({"heat"}),
    ),
    "chiller": (frozenset({"cooling"}), frozenset({"heat"})),
}


def read_process(file: GraphFile, name: str, table: Table) -> Process:
    """Return the process."""
    gives, takes = file.flows(table, "gives"), file.flows(table, "takes")
    if not table.values.get("gives"):
        table.missing("gives", "a process gives to a pool; else it is a sink")
    if not table.values.get("takes") and not table.values.get("burns"):
        table.missing("takes", "a process takes from a pool or burns a fuel")
    fuels = tuple(_fuels(file, table))
    given = frozenset(table.table("gives", "").values)
    taken = frozenset(table.table("takes", "").values)
    file.graph.fed |= given
    file.graph.links.append((taken, given))
    if table.values.get("burns"):
        file.graph.entered |= given
    for pool in sorted(taken & given):
        table.error("gives", "is taken from too; a process gives to others", pool)
    kind = table.choice("kind", tuple(MAKES), "generic")
    pools = file.graph.pools
    outputs = {pool: pools[pool] for pool in gives}
    if kind in BRANCHES:
        _check_branch(table, kind, [pools[p] for p in takes], list(outputs.values()))
    elif outputs and kind in MAKES:
        _check_outputs(table, kind, outputs)
    return Process(
        id=name,
        takes=takes,
        gives=gives,
        fuels=fuels,
        kind=cast(Any, kind),
        losses=_losses(table, kind),
        allocation=read_allocation(table, kind, outputs),
    )


def _fuels(file: GraphFile, table: Table) -> Iterator[Fuel]:
    burns = table.table("burns", f"{table.where}: burns")
    factors = fuel_factors(table, [c for c in burns.values if c in FUELS])
    for carrier in burns.values:
        if carrier not in FUELS:
            message = f"no fuel named {shown(carrier)}{near(carrier, FUELS)}"
            burns.error(carrier, message, of_key=True)
            continue
        unit = CARRIERS[carrier]
        measure = file.measures.read(burns, carrier, unit)
        if measure:
            yield Fuel(
                carrier=carrier,
                unit=unit,
                measure=measure,
                factors=factors[carrier],
                biogenic=carrier in BIOGENIC,
            )


def _losses(table: Table, kind: str) -> Any:
    """Return what becomes of losses; only of what gives what it takes they are."""
    if kind in BRANCHES:
        return table.choice("losses", ("sink", "gross"), "sink")
    if "losses" in table:
        of = " or a ".join(BRANCHES)
        table.error("losses", f"is of a {of}; of others they stay in what they give")
    return "gross"


def _check_branch(
    table: Table, kind: str, taken: list[Pool], given: list[Pool]
) -> None:
    """A feeder or transformer has one end in and one out, of one carrier."""
    if table.values.get("burns"):
        table.error("burns", f"a {kind} burns nothing")
    for key in ("takes", "gives"):
        if len(table.table(key, "").values) > 1:
            table.error(key, f"names several pools; make one {kind} for each")
    if len(taken) != 1 or len(given) != 1:
        return
    carriers = taken[0].carrier, given[0].carrier
    if carriers[0] != carriers[1]:
        message = f"gives what it takes: {carriers[0]}, not {carriers[1]}"
        table.error("gives", f"a {kind} {message}", given[0].id)
    elif kind == "transformer" and carriers[0] != "electricity":
        message = f"a transformer is of electricity, not of {carriers[0]}"
        table.error("kind", f"{message}; a feeder is of anything")


def _check_outputs(table: Table, kind: str, outputs: Mapping[str, Pool]) -> None:
    """A boiler, CHP, compressor or chiller gives what its kind makes."""
    made = MAKES[kind]
    if made is None:
        return
    main, beside = made
    wrong = [p for p in outputs.values() if p.carrier not in main | beside]
    for pool in wrong:
        allowed = ", ".join(c for c in CARRIERS if c in main | beside)
        message = f"a {kind} gives {allowed}, not {pool.carrier}"
        table.error("gives", message, pool.id)
    carriers = {pool.carrier for pool in outputs.values()}
    if not carriers & main and not wrong:
        allowed = " or ".join(c for c in CARRIERS if c in main)
        table.error("gives", f"a {kind} gives {allowed}")
    elif kind == "chp" and not carriers & beside:
        table.error("gives", "a chp gives heat, steam or cooling too")
