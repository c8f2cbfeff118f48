"""How values are fetched: lines, transactions, bus loops, the simulator."""
