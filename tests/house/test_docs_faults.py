"""The table of faults is what the simulator knows, in its order."""

from harness.markdown import page, rows, section

from zerometer.drivers.simulator.catalogue import KNOWN, LineFault, UnitFault


def test_the_documented_faults_are_the_known_ones() -> None:
    documented = rows(section(page("docs/commands.md"), "### Faults"))
    known = []
    for fault in KNOWN:
        of = "unit" if isinstance(fault, UnitFault) else "meter"
        of = "bus" if isinstance(fault, LineFault) else of
        known.append([f"`{fault.name}{fault.form}`", of, fault.text])
    assert documented == known
