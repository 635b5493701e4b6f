from concurrent.futures import ThreadPoolExecutor

from first_workflow import graph

from ewoksppf_core import execute_graph

if __name__ == "__main__":
    with ThreadPoolExecutor(max_workers=2) as executor:
        print(execute_graph(graph, pool=executor))
