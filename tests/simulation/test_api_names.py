"""Every master's API certificate names what the cluster was founded with, from any shell."""

import json

from cryptography import x509

from tests.simulation.stories import B, Beginnings, C, founded, replicate


def test_both_masters_certificates_name_kube_servers_host(
    beginnings: Beginnings,
) -> None:
    scene = beginnings(0)
    first = (*founded(B, ""), "KUBE_SERVER=https://api.example.com")
    assert scene.operator.alone(first).status == 0
    ended = scene.operator.alone((*replicate(C), "KUBE_SERVER=https://other.example.com"))
    assert ended.status == 0, ended
    assert any("KUBE_SERVER names other.example.com" in line for line in ended.output)
    masters = [record for _, record in scene.cloud.masters()]
    assert len(masters) == 2
    for record in masters:
        items = {i["key"]: i["value"] for i in record["metadata"]["items"]}
        pem = json.loads(items["hakube-certificates"])["leaves"]["apiserver"]
        names = (
            x509.load_pem_x509_certificate(pem.encode())
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value.get_values_for_type(x509.DNSName)
        )
        assert "api.example.com" in names
        assert "other.example.com" not in names
