"""Products of a site file: what is made, and how many good ones."""

from zerometer.config.graph import GraphFile
from zerometer.config.table import Table, shown
from zerometer.core.site import Product
from zerometer.core.units import LEDGER_EXPONENT


def read_product(file: GraphFile, name: str, table: Table) -> dict[str, Product]:
    """Return the product by its id, or nothing if it does not hold."""
    unit = table.text("unit", "pcs")
    if unit not in LEDGER_EXPONENT:
        allowed = ", ".join(LEDGER_EXPONENT)
        table.error("unit", f"{shown(unit)} is not one of {allowed}")
        unit = ""
    good = file.measures.read(table, "good", unit)
    if good is None:
        return {}
    return {name: Product(id=name, name=table.text("name", name), unit=unit, good=good)}
