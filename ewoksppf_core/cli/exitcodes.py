"""What the exit code of the command means."""

SUCCESS = 0
FAILED = 1
"""A task failed, or the workflow was stopped."""
USAGE = 2
"""Nothing ran: wrong arguments, a bad graph, a pool type that cannot be used."""
INTERRUPTED = 130
"""Ctrl-C, as shells report it."""
