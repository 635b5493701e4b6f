import sqlite3
import tempfile
from pathlib import Path

from first_workflow import graph

from ewoksppf_core import execute_graph

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "events.db"
        handler = {
            "class": "ewokscore.events.handlers.Sqlite3EwoksEventHandler",
            "arguments": [{"name": "uri", "value": f"file:{database}"}],
        }
        execute_graph(graph, execinfo={"handlers": [handler], "asynchronous": False})
        with sqlite3.connect(database) as connection:
            rows = connection.execute("SELECT context, node_id, type FROM ewoks_events")
            for context, node, kind in rows:
                print(context, node if context == "node" else "", kind)
