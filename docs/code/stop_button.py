import threading
import time

from ewokscore import Task

from ewoksppf_core import Stopper, WorkflowStoppedError, execute_graph


class Scan(Task):
    """Scan until somebody has seen enough."""

    stopped = False

    def run(self):
        while not self.stopped:
            time.sleep(0.01)
        print("the scan has closed its files")

    def cancel(self):
        self.stopped = True


graph = {
    "graph": {"id": "endless"},
    "nodes": [{"id": "scan", "task_type": "class", "task_identifier": "stop_button.Scan"}],
}

if __name__ == "__main__":
    stopper = Stopper()
    button = threading.Timer(1, stopper.stop, ["enough", True])
    button.start()
    try:
        execute_graph(graph, stopper=stopper, execinfo=False)
    except WorkflowStoppedError as error:
        print(error)
