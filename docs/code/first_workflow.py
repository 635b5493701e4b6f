from ewoksppf_core import execute_graph

graph = {
    "graph": {"id": "picture"},
    "nodes": [
        {
            "id": "measure",
            "task_type": "class",
            "task_identifier": "exposure_tasks.Measure",
            "default_inputs": [{"name": "exposure", "value": 3}],
        },
        {
            "id": "report",
            "task_type": "class",
            "task_identifier": "exposure_tasks.Report",
        },
    ],
    "links": [
        {
            "source": "measure",
            "target": "report",
            "data_mapping": [
                {"source_output": "exposure", "target_input": "exposure"},
                {"source_output": "counts", "target_input": "counts"},
            ],
        }
    ],
}

if __name__ == "__main__":
    print(execute_graph(graph))
