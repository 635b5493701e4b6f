import time

from ewokscore import Task

from ewoksppf_core import TaskTimeoutError, execute_graph


class Forever(Task):
    def run(self):
        time.sleep(3600)


graph = {
    "graph": {"id": "endless"},
    "nodes": [{"id": "forever", "task_type": "class", "task_identifier": "limits.Forever"}],
}

if __name__ == "__main__":
    try:
        execute_graph(graph, task_timeout=0.5, retries={"worker_lost": 2}, execinfo=False)
    except TaskTimeoutError as error:
        print(error)
