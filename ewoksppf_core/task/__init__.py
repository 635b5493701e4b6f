"""How one task is run inside a worker, and how its data travel."""
