"""What becomes of errors that nothing handles."""

from __future__ import annotations

import weakref

from ewoksppf_core.run.failures import MOST_NOTES, Failures, final_error
from ewoksppf_core.run.scheduler import Activation


def test_other_errors_are_notes_of_the_first():
    error = final_error([ValueError("first"), KeyError("second")])
    assert repr(error) == "ValueError('first')"
    assert error.__notes__ == ["Another node failed too: KeyError: 'second'"]


def test_thousands_of_errors_do_not_hide_the_first():
    error = final_error([ValueError(str(number)) for number in range(2000)])
    assert len(error.__notes__) == MOST_NOTES + 1
    assert error.__notes__[-1] == f"{1999 - MOST_NOTES} more nodes failed: the log has them all"


class Inputs(dict):
    """Inputs of an activation that can be watched."""


def test_error_does_not_keep_the_inputs_of_its_activation():
    failures, inputs = Failures(), Inputs()
    gone = weakref.ref(inputs)
    failures.add(Activation(0, 0, inputs), ValueError("on purpose"))
    del inputs
    assert gone() is None
    assert len(failures.unhandled()) == 1
