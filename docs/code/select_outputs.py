from loop_workflow import graph

from ewoksppf_core import execute_graph

if __name__ == "__main__":
    print(execute_graph(graph))
    print(execute_graph(graph, merge_outputs=False))
    print(execute_graph(graph, outputs=[{"id": "measure", "name": "counts"}]))
    print(execute_graph(graph, outputs=[{"id": "measure", "name": "counts", "new_name": "n"}]))
    print(execute_graph(graph, outputs=[{"all": True, "name": "exposure"}], merge_outputs=False))
    print(execute_graph(graph, outputs=[]))
