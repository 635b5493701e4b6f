"""The executor of loky, completed to what :mod:`concurrent.futures` promises."""

import multiprocessing

from loky import ProcessPoolExecutor


class LokyExecutor(ProcessPoolExecutor):  # type: ignore[misc]
    """Run calls in processes of loky, which need no ``if __name__ == "__main__":``."""

    def __init__(self, max_workers: int | None) -> None:
        super().__init__(max_workers, initializer=_let_tasks_start_processes)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Free everything; calls that wait are cancelled if wanted, which loky cannot do."""
        if cancel_futures:
            for work in list((self._pending_work_items or {}).values()):
                work.future.cancel()
        super().shutdown(wait=wait)


def _let_tasks_start_processes() -> None:
    # A program started by a task does not know the start method of loky.
    multiprocessing.set_start_method(None, force=True)
