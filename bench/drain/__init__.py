"""How fast a backlog drains from a journal into a receiver's database."""
