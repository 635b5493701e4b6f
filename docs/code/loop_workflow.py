from ewoksppf_core import execute_graph

graph = {
    "graph": {"id": "bright picture"},
    "nodes": [
        {
            "id": "measure",
            "task_type": "class",
            "task_identifier": "exposure_tasks.Measure",
            "default_inputs": [{"name": "exposure", "value": 1}],
            "force_start_node": True,
        },
        {
            "id": "lengthen",
            "task_type": "class",
            "task_identifier": "exposure_tasks.Lengthen",
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
            "target": "lengthen",
            "data_mapping": [{"source_output": "exposure", "target_input": "exposure"}],
            "conditions": [{"source_output": "is_bright", "value": False}],
        },
        {
            "source": "lengthen",
            "target": "measure",
            "data_mapping": [{"source_output": "exposure", "target_input": "exposure"}],
        },
        {
            "source": "measure",
            "target": "report",
            "data_mapping": [
                {"source_output": "exposure", "target_input": "exposure"},
                {"source_output": "counts", "target_input": "counts"},
            ],
            "conditions": [{"source_output": "is_bright", "value": True}],
        },
    ],
}

if __name__ == "__main__":
    print(execute_graph(graph))
