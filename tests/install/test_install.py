"""What pip makes of the distributions."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BACKENDS = sorted(path.name for path in (ROOT / "backends").iterdir())

pytestmark = pytest.mark.timeout(300)


def test_core_alone_has_no_pool_type_and_tells_how_to_get_one(core_alone):
    assert core_alone.pool_types() == []
    message = core_alone.execute()
    assert message.startswith("UnknownPoolTypeError: unknown pool type 'process'")
    assert "pip install ewoksppf-process" in message


@pytest.mark.parametrize("name", BACKENDS)
def test_backend_installs_by_itself(name, environment, build):
    pool_type = name.removeprefix("ewoksppf-")
    environment.install(build(f"backends/{name}"))
    assert environment.pool_types() == [pool_type]
    assert environment.execute(pool_type=pool_type) == "42"


def test_uninstalled_backend_is_unknown_and_the_others_stay(environment, build):
    environment.install(build("backends/ewoksppf-gevent"), build("backends/ewoksppf-process"))
    assert environment.execute(pool_type="gevent") == "42"
    environment.uninstall("ewoksppf-gevent")
    assert "unknown pool type 'gevent'" in environment.execute(pool_type="gevent")
    assert environment.pool_types() == ["process"]
    assert environment.execute() == "42"


def test_pool_type_from_outside_is_used_by_name(environment, build):
    environment.install(build("examples/ewoksppf-example-pool"))
    assert environment.pool_types() == ["loky"]
    assert environment.execute(pool_type="loky") == "42"
