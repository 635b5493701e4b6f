from error_workflow import graph

from ewoksppf_core import execute_graph
from ewoksppf_core.run.events import ActivationFailed, ActivationFinished, Event, RunFinished


def tell(event: Event) -> None:
    match event:
        case ActivationFinished(node=node, number=number):
            print(f"{node}, activation {number}: done")
        case ActivationFailed(node=node, handled=handled):
            print(f"{node} failed, {'but this is handled' if handled else 'and nobody cares'}")
        case RunFinished(error=None):
            print("the run is over")


if __name__ == "__main__":
    execute_graph(graph, observers=[tell])
    execute_graph(
        graph, inputs=[{"id": "measure", "name": "exposure", "value": 8}], observers=[tell]
    )
