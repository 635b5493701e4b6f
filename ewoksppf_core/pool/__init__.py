"""Where tasks run: find a backend and open a pool of it."""
