"""How near a full poll of a large bus comes to the limit of the wire."""
