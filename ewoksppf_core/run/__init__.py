"""When each node runs: the scheduler, and the loop around it."""
