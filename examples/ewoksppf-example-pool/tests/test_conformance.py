import pytest

from ewoksppf_core.testing import PoolBackendConformance


def left_to_loky(self):
    pytest.skip("loky treats values that cannot travel in its own way")


def ahead_of_time(self):
    pytest.skip("loky hands calls to its workers ahead of time")


class TestLoky(PoolBackendConformance):
    pool_type = "loky"

    # The core packs the values of a workflow. What users submit themselves is up to loky.
    test_exceptions_arrive_with_type_arguments_and_cause = left_to_loky
    test_exceptions_that_cannot_travel_keep_their_message = left_to_loky
    test_arguments_that_cannot_travel_give_an_error = left_to_loky
    test_results_that_cannot_travel_give_an_error = left_to_loky
    test_cancel_futures_cancels_what_waits_and_finishes_what_runs = ahead_of_time
