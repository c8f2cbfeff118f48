"""How many wrong values our bus loop takes from a line on which much goes wrong."""
