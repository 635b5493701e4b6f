from first_workflow import graph

from ewoksppf_core import execute_graph

if __name__ == "__main__":
    print(execute_graph(graph, pool_type="gevent"))
