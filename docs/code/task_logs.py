import logging
import sys

from ewokscore import Task

from ewoksppf_core import execute_graph


class Talk(Task):
    def run(self):
        logging.getLogger("detector").warning("it is hot here")


graph = {
    "graph": {"id": "talk"},
    "nodes": [{"id": "talk", "task_type": "class", "task_identifier": "task_logs.Talk"}],
}

if __name__ == "__main__":
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("node %(node)s: %(message)s", defaults={"node": "-"}))
    logging.getLogger().addHandler(handler)
    execute_graph(graph)
