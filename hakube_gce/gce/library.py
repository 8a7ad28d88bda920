"""The only door to google-cloud-compute: what the gateway needs of it, imported the short way.

The library's ``__init__`` imports all of its 130 services, which takes two to three seconds; the
nineteen clients used here take under one. So its package is registered without running that
``__init__``, and runs it only when somebody asks for a name that it alone defines: other users of
the library in the same process see no difference. This is not a documented way to import it; when
it does not work out, the plain import is used, and a test says so. Python 3.15 imports lazily by
itself (PEP 810).

Nothing else in the project may import ``google.cloud``. Nothing here calls anything.
"""

import gc
import importlib
import importlib.util
import sys

_PACKAGE = "google.cloud.compute_v1"


def _is_submodule(name: str) -> bool:
    return importlib.util.find_spec(f"{_PACKAGE}.{name}") is not None


def _register_without_running() -> None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.loader is None:
        return
    package = importlib.util.module_from_spec(spec)
    loader = spec.loader

    def on_missing_name(name: str) -> object:
        # Only dunder names that import machinery, doctest or pytest probe for; `__all__` is real.
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if _is_submodule(name):
            return importlib.import_module(f"{_PACKAGE}.{name}")
        package.__dict__.pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = on_missing_name  # PEP 562
    sys.modules[_PACKAGE] = package


def _forget(prefix: str) -> None:
    for name in [n for n in sys.modules if n == prefix or n.startswith(f"{prefix}.")]:
        del sys.modules[name]


def _prepare() -> None:
    """Import the library's messages, the short way if that works."""
    if _PACKAGE not in sys.modules and sys.version_info < (3, 15):
        _register_without_running()
        try:
            importlib.import_module(f"{_PACKAGE}.types.compute")
        except (ImportError, AttributeError):
            _forget(_PACKAGE)
    importlib.import_module(f"{_PACKAGE}.types.compute")


# Thousands of classes that stay for good are made here, and the garbage collector would look
# through them again and again: a fifth of what this import takes. It is kept from doing so.
_was_collecting = gc.isenabled()
gc.disable()
_prepare()

# After the preparation, or the first of these lines would run the whole `__init__`.
from google.cloud.compute_v1.services.addresses import AddressesClient  # noqa: E402
from google.cloud.compute_v1.services.disks import DisksClient  # noqa: E402
from google.cloud.compute_v1.services.firewalls import FirewallsClient  # noqa: E402
from google.cloud.compute_v1.services.forwarding_rules import ForwardingRulesClient  # noqa: E402
from google.cloud.compute_v1.services.global_operations import GlobalOperationsClient  # noqa: E402
from google.cloud.compute_v1.services.instance_group_managers import (  # noqa: E402
    InstanceGroupManagersClient,
)
from google.cloud.compute_v1.services.instance_groups import InstanceGroupsClient  # noqa: E402
from google.cloud.compute_v1.services.instance_templates import (  # noqa: E402
    InstanceTemplatesClient,
)
from google.cloud.compute_v1.services.instances import InstancesClient  # noqa: E402
from google.cloud.compute_v1.services.networks import NetworksClient  # noqa: E402
from google.cloud.compute_v1.services.region_backend_services import (  # noqa: E402
    RegionBackendServicesClient,
)
from google.cloud.compute_v1.services.region_health_checks import (  # noqa: E402
    RegionHealthChecksClient,
)
from google.cloud.compute_v1.services.region_operations import RegionOperationsClient  # noqa: E402
from google.cloud.compute_v1.services.routes import RoutesClient  # noqa: E402
from google.cloud.compute_v1.services.snapshots import SnapshotsClient  # noqa: E402
from google.cloud.compute_v1.services.subnetworks import SubnetworksClient  # noqa: E402
from google.cloud.compute_v1.services.target_pools import TargetPoolsClient  # noqa: E402
from google.cloud.compute_v1.services.zone_operations import ZoneOperationsClient  # noqa: E402
from google.cloud.compute_v1.services.zones import ZonesClient  # noqa: E402
from google.cloud.compute_v1.types import compute  # noqa: E402

gc.freeze()
if _was_collecting:
    gc.enable()

__all__ = [
    "AddressesClient",
    "DisksClient",
    "FirewallsClient",
    "ForwardingRulesClient",
    "GlobalOperationsClient",
    "InstanceGroupManagersClient",
    "InstanceGroupsClient",
    "InstanceTemplatesClient",
    "InstancesClient",
    "NetworksClient",
    "RegionBackendServicesClient",
    "RegionHealthChecksClient",
    "RegionOperationsClient",
    "RoutesClient",
    "SnapshotsClient",
    "SubnetworksClient",
    "TargetPoolsClient",
    "ZoneOperationsClient",
    "ZonesClient",
    "compute",
]
