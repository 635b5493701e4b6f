"""The example graphs of ewokscore give their documented results in every pool."""

from __future__ import annotations

import json

import pytest
from ewokscore.tests.examples.graphs import get_graph, graph_names
from ewokscore.tests.utils.results import assert_execute_graph_default_result

from ewoksppf_core import execute_graph


def test_example_graph_gives_its_documented_result_in_a_pool_of_its_own(pool_type):
    graph, expected = get_graph("acyclic1")
    result = execute_graph(graph, pool_type=pool_type)
    assert_execute_graph_default_result(graph, result, expected)


@pytest.mark.parametrize("name", sorted(graph_names()))
def test_example_graph_gives_its_documented_result(name, warm_pool):
    graph, expected = get_graph(name)
    result = execute_graph(graph, pool=warm_pool)
    assert_execute_graph_default_result(graph, result, expected)


@pytest.mark.parametrize("name", sorted(graph_names()))
def test_example_graph_with_persistence_gives_the_same_and_stores_it(name, warm_pool, tmp_path):
    graph, expected = get_graph(name)
    varinfo = {"root_uri": str(tmp_path), "scheme": "json"}
    result = execute_graph(graph, pool=warm_pool, varinfo=varinfo)
    assert_execute_graph_default_result(graph, result, expected, varinfo)
    assert result == {} or list(tmp_path.iterdir())


def test_outputs_can_be_stored_in_nexus_files(warm_pool, tmp_path):
    graph, expected = get_graph("acyclic1")
    varinfo = {"root_uri": str(tmp_path), "scheme": "nexus"}
    result = execute_graph(graph, pool=warm_pool, varinfo=varinfo)
    assert_execute_graph_default_result(graph, result, expected, varinfo)
    assert [path for path in tmp_path.rglob("*") if path.suffix in (".nx", ".nxs", ".h5")]


def test_stored_outputs_are_not_computed_again(one_of_each, make_graph, tmp_path):
    log = str(tmp_path / "log")
    graph = make_graph({"a": {"task": "append", "inputs": {"path": log, "text": "x"}}})
    varinfo = {"root_uri": str(tmp_path / "store"), "scheme": "json"}
    for _ in range(2):
        result = execute_graph(graph, pool_type=one_of_each, varinfo=varinfo)
        assert result == {"return_value": "x"}
    with open(log) as file:
        assert file.read() == "x"


def test_results_are_values_not_references_to_files(one_of_each, make_graph, tmp_path):
    graph = make_graph({"a": {"task": "add", "inputs": {"a": 1, "b": 2}}})
    varinfo = {"root_uri": str(tmp_path), "scheme": "json"}
    outputs = [{"id": "a", "name": "return_value", "new_name": "sum"}]
    assert execute_graph(graph, pool_type=one_of_each, varinfo=varinfo, outputs=outputs) == {
        "sum": 3
    }


def test_varinfo_of_a_node_stores_that_node_only(one_of_each, make_graph, tmp_path):
    varinfo = {"root_uri": str(tmp_path), "scheme": "json"}
    graph = make_graph(
        {"a": {"task": "add", "inputs": {"a": 1}}, "b": {"task": "add", "varinfo": varinfo}},
        [("a", "b", {"data_mapping": [{"source_output": "return_value", "target_input": "a"}]})],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": 1}
    stored = [json.loads(path.read_text())["data"] for path in tmp_path.rglob("*.json")]
    assert [data["title"] for data in stored if "title" in data] == ["b"]


def test_varinfo_of_a_node_is_used_to_load_what_a_condition_compares(
    one_of_each, make_graph, tmp_path
):
    varinfo = {"root_uri": str(tmp_path), "scheme": "json"}
    graph = make_graph(
        {"a": {"task": "add", "inputs": {"a": 1}, "varinfo": varinfo}, "b": "add"},
        [("a", "b", {"conditions": [{"source_output": "return_value", "value": 1}]})],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": 0}
