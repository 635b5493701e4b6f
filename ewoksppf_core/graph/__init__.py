"""What to compute: load a graph, answer questions about its shape, compile it into a plan."""
