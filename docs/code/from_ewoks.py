from ewoks import execute_graph
from first_workflow import graph

if __name__ == "__main__":
    print(execute_graph(graph, engine="ppf_core", pool_type="thread"))
