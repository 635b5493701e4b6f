import logging
import sys

from first_workflow import graph

from ewoksppf_core import execute_graph

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s: %(message)s")
    execute_graph(graph, execinfo=False)
