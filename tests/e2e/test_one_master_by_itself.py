"""A replica's own external address: no certificate names it, and yet it can be verified."""

import base64
import ssl
from pathlib import Path

import pytest
import yaml

from tests.e2e.api_client import ApiClient, read_access
from tests.e2e.labs import B, C, Lab

pytestmark = [pytest.mark.process, pytest.mark.slow]


class ClusterIp(ssl.SSLContext):
    """Verifies the cluster IP's certificate whoever was dialled, as --tls-server-name does."""

    cluster_ip = ""

    def wrap_socket(self, *words: object, **options: object) -> ssl.SSLSocket:
        options["server_hostname"] = self.cluster_ip
        return super().wrap_socket(*words, **options)  # type: ignore[arg-type]  # passed on whole


def verifying(cluster_ip: str, kubeconfig: Path) -> ClusterIp:
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    (authority,) = [e["cluster"]["certificate-authority-data"] for e in config["clusters"]]
    context = ClusterIp(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=base64.b64decode(authority).decode("ascii"))
    context.cluster_ip = cluster_ip
    return context


def test_its_ephemeral_address_is_certified_by_the_cluster_ip_alone(lab: Lab) -> None:
    lab.up(B)
    lab.replicate(C)
    kubeconfig = lab.folder / "kubeconfig"
    usual = read_access(kubeconfig)
    by_cluster_ip = verifying(usual.host, kubeconfig)
    asked = 0
    for replica in lab.hakube("status")["replicas"]:
        outside = replica["external_ip"]
        assert outside != usual.host
        as_usual = ApiClient(host=outside, port=usual.port, context=usual.context)
        with pytest.raises(OSError, match="IP address mismatch"):
            as_usual.call("GET", "/version")
        verified = ApiClient(host=outside, port=usual.port, context=by_cluster_ip)
        status, version = verified.call("GET", "/version")
        assert (status, "hollow" in str(version)) == (200, True)
        asked += 1
    assert asked == 2
