"""Attributes that mean nothing, but nearly."""

import pytest

from ewoksppf_core.graph.load import load_graph

TASK = {"task_type": "method", "task_identifier": "builtins.dict"}


def load(node=None, link=None):
    nodes = [{"id": name, **TASK, **(node or {})} for name in "abc"]
    links = [{"source": "a", "target": target, **(link or {})} for target in "bc"]
    load_graph({"graph": {"id": "graph"}, "nodes": nodes, "links": links})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("task_timeuot", "task_timeout"),
        ("default_input", "default_inputs"),
        ("lable", "label"),
        ("force_startnode", "force_start_node"),
    ],
)
def test_slip_in_a_node_is_told_once_with_a_suggestion(caplog, name, meant):
    load(node={name: 1})
    message = f"node 'a': the attribute {name!r} has no effect (did you mean {meant!r}?)"
    assert caplog.messages.count(message) == 1
    assert caplog.text.count("has no effect") == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("conditoins", "conditions"),
        ("map_alldata", "map_all_data"),
        ("data_maping", "data_mapping"),
        ("onerror", "on_error"),
    ],
)
def test_slip_in_a_link_is_told_once_with_a_suggestion(caplog, name, meant):
    load(link={name: 1})
    message = f"link 'a' -> 'b': the attribute {name!r} has no effect (did you mean {meant!r}?)"
    assert caplog.messages.count(message) == 1
    assert caplog.text.count("has no effect") == 1


def test_other_attributes_are_nobodys_business(caplog):
    load(node={"uiProps": {}, "category": "x", 5: 5}, link={"uiProps": {}, "startArrow": True})
    assert "has no effect" not in caplog.text
