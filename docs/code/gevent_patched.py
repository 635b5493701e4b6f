from gevent import monkey

monkey.patch_all()

from first_workflow import graph  # noqa: E402

from ewoksppf_core import execute_graph, open_pool  # noqa: E402

if __name__ == "__main__":
    print(execute_graph(graph))
    with open_pool() as pool:
        print(pool.pool_type)
