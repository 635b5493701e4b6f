from first_workflow import graph

from ewoksppf_core import execute_graph, open_pool

if __name__ == "__main__":
    with open_pool("process") as pool:
        for seconds in (3, 4, 5):
            inputs = [{"id": "measure", "name": "exposure", "value": seconds}]
            print(execute_graph(graph, inputs=inputs, pool=pool))
