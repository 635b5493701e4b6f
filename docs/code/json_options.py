import json

from first_workflow import graph

from ewoksppf_core import execute_graph

stored = """
{
    "pool_type": "process",
    "scaling_workers": false,
    "max_workers": 2,
    "context": "spawn",
    "pool_options": {"wait_on_exit_timeout": 10},
    "inputs": [{"id": "measure", "name": "exposure", "value": 4}],
    "outputs": [{"all": false}],
    "timeout": 60,
    "retries": {"worker_lost": 1},
    "stop_on_signals": true,
    "stop_signals": ["SIGTERM"]
}
"""

if __name__ == "__main__":
    print(execute_graph(graph, **json.loads(stored)))
