"""Measure ewoksppf_core beside its peers: ``python -m benchmarks``.

* ``environments``: a Python for every peer.
* ``cases``: what is measured.
* ``run``: measures the cases in turns, each in a fresh process.
* ``inside/``: runs in the Python of a peer, and imports nothing from here.
* ``targets``, ``report``, ``plot``: what came out.
"""
