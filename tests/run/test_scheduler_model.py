"""The scheduler does what a slow and obvious model says, for any graph and order of completions.

The model knows no mailbox and no plan. It keeps the log of everything that was delivered, and
answers every question by reading the log from the beginning.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from dataclasses import field as field_

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewoksppf_core.errors import GraphError, LinkError

MAX_COMPLETIONS = 25
ERROR = {"WorkflowException": "what", "WorkflowExceptionInstance": "who"}
OUTPUTS = ("x", "y")
VALUES = (0, 1, 2, None)


@dataclass
class Model:
    """What ``docs/explanations/how_a_run_works.md`` says, word by word.

    :param nodes: attributes by name, in order.
    :param links: (source, target, attributes), at most one between two nodes.
    """

    nodes: dict
    links: list
    start_arguments: dict
    log: list = field_(default_factory=list)
    """(link or None for a start trigger, target, data), in order of delivery."""

    def ancestors_or_self(self, node):
        found = {node}
        while more := {s for s, t, _ in self.links if t in found} - found:
            found |= more
        return found

    def surely_optional(self, link):
        if link.get("required") is not None:
            return not link["required"]
        return bool(link.get("conditions") or link.get("on_error"))

    def is_required(self, source, link):
        if link.get("required") is not None:
            return link["required"]
        if self.surely_optional(link):
            return False
        upstream = self.ancestors_or_self(source)
        return not any(self.surely_optional(x) for _, t, x in self.links if t in upstream)

    def kind(self, link):
        source, _, attrs = link
        if self.is_required(source, attrs):
            return "required"
        return "cached" if attrs.get("cache_if_optional") else "plain"

    def incoming(self, node, kind):
        found = [link for link in self.links if link[1] == node and self.kind(link) == kind]
        return sorted(found, key=lambda link: list(self.nodes).index(link[0]))

    def is_start(self, node):
        has_predecessor = any(t == node for _, t, _ in self.links)
        return self.nodes[node].get("force_start_node") or not has_predecessor

    def has_gap(self, node):
        """Some output can have a value that none of the conditions on it wants."""
        wanted = {}
        for link in self.in_order(node):
            for item in link[2].get("conditions", ()):
                wanted.setdefault(item["source_output"], []).append(item["value"])
        else_value = self.nodes[node].get("conditions_else_value")
        return any(else_value not in values for values in wanted.values())

    def has_start_and_end(self):
        def ends(node):
            return all(link[2].get("on_error") for link in self.in_order(node))

        has_end = any(map(ends, self.nodes)) or any(map(self.has_gap, self.nodes))
        return any(map(self.is_start, self.nodes)) and has_end

    # What one delivery starts, from the log up to and including it

    def is_complete(self, node, log):
        """Every required link has delivered; a node without anything in its log has not run."""
        seen = [id(link) for link, target, _ in log if target == node]
        return all(id(link) in seen for link in self.incoming(node, "required"))

    def inputs(self, node, log, plain):
        inputs = {}
        if any(link is None and target == node for link, target, _ in log):
            inputs.update(self.start_arguments)
        for kind in ("required", "cached"):
            for link in self.incoming(node, kind):
                delivered = [data for other, _, data in log if other is link]
                if delivered:
                    inputs.update(delivered[-1])
        inputs.update(plain)
        return inputs

    def started_by(self, node, position):
        """The activations of a node that the delivery at a position of the log starts."""
        log = self.log[: position + 1]
        if not any(t == node for _, t, _ in self.links):
            return [dict(self.start_arguments)]
        if not self.is_complete(node, log):
            return []
        plain = [
            data
            for link, target, data in log
            if target == node and link is not None and self.kind(link) == "plain"
        ]
        touched = any(target == node for _, target, _ in self.log[:position])
        if touched and self.is_complete(node, self.log[:position]):
            return [self.inputs(node, log, plain[-1] if plain else {})]
        return [self.inputs(node, log, data) for data in plain or [{}]]

    def deliver(self, deliveries):
        """Put all deliveries into the log first; then ask what each of them starts."""
        first = len(self.log)
        self.log.extend(deliveries)
        return [
            (target, inputs)
            for position, (_, target, _) in enumerate(deliveries, first)
            for inputs in self.started_by(target, position)
        ]

    # Facts

    def start(self):
        return self.deliver([(None, node, {}) for node in self.nodes if self.is_start(node)])

    def in_order(self, node):
        return [link for link in self.links if link[0] == node]

    def holds(self, node, output, value, outputs):
        if output not in outputs:
            return False
        if outputs[output] == value:
            return True
        if value != self.nodes[node].get("conditions_else_value"):
            return False
        wanted = [
            item["value"]
            for link in self.in_order(node)
            for item in link[2].get("conditions", ())
            if item["source_output"] == output
        ]
        return outputs[output] not in wanted

    def fulfilled(self, node, link, outputs):
        last = {item["source_output"]: item["value"] for item in link.get("conditions", ())}
        return all(self.holds(node, output, value, outputs) for output, value in last.items())

    def map(self, link, data):
        """The data that a link passes, or None when something is not there."""
        if link.get("map_all_data"):
            return dict(data)
        passed = {}
        for item in link.get("data_mapping", ()):
            output = item.get("source_output")
            if output is not None and output not in data:
                return None
            passed[item["target_input"]] = dict(data) if output is None else data[output]
        return passed

    def succeed(self, node, outputs):
        """The activations that follow, or None when an output is not there."""
        links = [
            link
            for link in self.in_order(node)
            if not link[2].get("on_error") and self.fulfilled(node, link[2], outputs)
        ]
        return self.pass_on(links, outputs)

    def fail(self, node, inputs):
        """The activations that follow, or None when nothing handles the error."""
        links = [link for link in self.in_order(node) if link[2].get("on_error")]
        return self.pass_on(links, {**inputs, **ERROR}) if links else None

    def pass_on(self, links, data):
        deliveries = [(link, link[1], self.map(link[2], data)) for link in links]
        if any(passed is None for _, _, passed in deliveries):
            return None
        return self.deliver(deliveries)


# Random graphs

CONDITION = st.builds(
    lambda output, value: {"source_output": output, "value": value},
    st.sampled_from(OUTPUTS),
    st.sampled_from(VALUES),
)
MAPPING = st.lists(
    st.builds(
        lambda output, name: {"source_output": output, "target_input": name},
        st.sampled_from([*OUTPUTS, None, "WorkflowException"]),
        st.sampled_from(["x", "y", "z", 0]),
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def link_attributes(draw):
    link = {}
    if draw(st.integers(0, 3)) == 0:
        link["on_error"] = True
    elif draw(st.integers(0, 2)) == 0:
        link["conditions"] = draw(st.lists(CONDITION, min_size=1, max_size=2))
    required = draw(st.sampled_from([None, None, None, True, False]))
    if required is not None:
        link["required"] = required
    if draw(st.booleans()):
        link["cache_if_optional"] = True
    data = draw(st.sampled_from(["all", "all", "mapping", "trigger"]))
    if data == "all":
        link["map_all_data"] = True
    elif data == "mapping":
        link["data_mapping"] = draw(MAPPING)
    return link


@st.composite
def graphs(draw):
    names = "abcde"[: draw(st.integers(1, 5))]
    nodes = {}
    for name in names:
        nodes[name] = {}
        if draw(st.integers(0, 3)) == 0:
            nodes[name]["force_start_node"] = True
        if draw(st.integers(0, 3)) == 0:
            nodes[name]["conditions_else_value"] = draw(st.sampled_from(VALUES))
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(names), st.sampled_from(names)),
            unique=True,
            max_size=2 * len(names),
        )
    )
    links = [(source, target, draw(link_attributes())) for source, target in pairs]
    # As in a loaded graph: by source node, then as given.
    return nodes, sorted(links, key=lambda link: names.index(link[0]))


def outcome(rng, failing):
    """The outputs of a success, or None for a failure."""
    if rng.random() < failing:
        return None
    return {output: rng.choice(VALUES) for output in OUTPUTS if rng.random() < 0.9}


def follow(play, nodes, links, start, seed):
    """Run scheduler and model side by side; return the whole history."""
    model = Model(nodes, links, start)
    try:
        run = play(nodes, links, start)
    except GraphError as error:
        feeds_twice = "already comes from the required link" in str(error)
        if feeds_twice or not model.has_start_and_end():
            return []
        raise
    assert model.has_start_and_end()
    rng = random.Random(seed)
    failing = rng.choice([0, 0.1, 0.4])
    history = [run.start()]
    assert history[0] == model.start()
    for _ in range(MAX_COMPLETIONS):
        if not run.open:
            break
        node, number = rng.choice(sorted(run.open))
        activation = run.open[node, number]
        inputs = dict(activation.inputs)
        outputs = outcome(rng, failing)
        if outputs is None:
            due, expected = run.fail(node, number), model.fail(node, inputs)
        else:
            expected = model.succeed(node, outputs)
            try:
                due = run.done(node, number, **outputs)
            except LinkError:
                assert expected is None
                # It has delivered nothing, and is reported as a failure.
                run.open[node, number] = activation
                due, expected = run.fail(node, number), model.fail(node, inputs)
        assert due == expected
        history.append((node, number, outputs, due))
    return history


SETTINGS = settings(
    max_examples=1500,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@SETTINGS
@given(
    graph=graphs(),
    start=st.dictionaries(st.sampled_from(["x", "z"]), st.just("start")),
    seed=st.integers(0, 2**16),
)
def test_same_activations_with_same_inputs_in_same_order_as_the_model(play, graph, start, seed):
    nodes, links = graph
    follow(play, nodes, links, start, seed)


@settings(SETTINGS, max_examples=100)
@given(graph=graphs(), seed=st.integers(0, 2**16))
def test_run_is_a_function_of_the_order_of_completions(play, graph, seed):
    nodes, links = graph
    assert follow(play, nodes, links, {}, seed) == follow(play, nodes, links, {}, seed)


def test_model_and_scheduler_agree_on_long_runs(play):
    nodes = {"a": {"force_start_node": True}, "b": {}, "c": {}, "d": {}}
    links = [
        ("a", "a", {"conditions": [{"source_output": "x", "value": 1}], "map_all_data": True}),
        ("a", "b", {"map_all_data": True}),
        ("a", "d", {"on_error": True, "map_all_data": True}),
        ("b", "c", {"map_all_data": True, "cache_if_optional": True}),
        ("b", "a", {"conditions": [{"source_output": "y", "value": None}]}),
        ("c", "d", {"map_all_data": True, "required": True}),
        ("d", "c", {"conditions": [{"source_output": "x", "value": 0}]}),
    ]
    histories = [follow(play, nodes, links, {"s": 1}, seed) for seed in range(30)]
    assert max(map(len, histories)) > 20
