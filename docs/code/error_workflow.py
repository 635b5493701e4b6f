from loop_workflow import graph

from ewoksppf_core import execute_graph

graph["nodes"].append(
    {
        "id": "explain",
        "task_type": "class",
        "task_identifier": "exposure_tasks.Explain",
    }
)
graph["links"].append(
    {
        "source": "measure",
        "target": "explain",
        "data_mapping": [{"source_output": "WorkflowExceptionInstance", "target_input": "problem"}],
        "on_error": True,
    }
)

if __name__ == "__main__":
    too_long = [{"id": "measure", "name": "exposure", "value": 8}]
    print(execute_graph(graph, inputs=too_long))
