from ewoksppf_core import execute_graph
from ewoksppf_core.run.events import ActivationFinished, Event

counts: dict[str, int] = {}


def count(event: Event) -> None:
    if isinstance(event, ActivationFinished):
        counts[event.node] = counts.get(event.node, 0) + 1


if __name__ == "__main__":
    result = execute_graph(
        "self_trigger", load_options={"representation": "test_core"}, observers=[count]
    )
    print("result:", result["result"])
    print("activations of task1:", counts["task1"])
