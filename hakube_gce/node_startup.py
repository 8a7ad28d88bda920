"""The startup script of a worker node, and the pin by which it knows its cluster. Pure.

Debian or Ubuntu with systemd: containerd, kubelet and kubeadm, then `kubeadm join` through the
cluster IP, so that nodes survive every change of masters. What comes from people or from the
cloud reaches the shell as quoted data only. No secret is in here: the script is metadata, which
everything on the VM may read.

The script has never run on a real VM; its text is checked by shellcheck and by golden files.
"""

import hashlib
import shlex
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hakube_gce.cluster_keys import load_certificate

TOKEN_KEY = "hakube-join-token"  # noqa: S105 - the key's name
"""Instance metadata under which a node finds its bootstrap token.

A managed group makes VMs for years from one template, and a bootstrap token lives for a day: so
the token is not in the template. It is to be issued as a ``bootstrap-token-…`` Secret through the
API server and set on each new VM by whoever sees it wait; the node asks until it is there.
"""

KUBERNETES_MINOR = "v1.32"
"""Of the packages that a node installs when its image does not bring them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStartup:
    """What a node has to know before it may ask anybody."""

    cluster_ip: str
    api_port: int
    ca_pin: str
    """As `ca_pin` gives it."""
    labels: tuple[tuple[str, str], ...] = ()
    """In Kubernetes."""


def ca_pin(certificate: str) -> str:
    """Give the pin of a cluster's authority, as `kubeadm join` wants it.

    It is made of the public key alone, so a certificate renewed for the same key fits it.

    Args:
        certificate: The cluster authority's, PEM.
    """
    key = load_certificate(certificate, what="the cluster's authority").public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def startup_script(node: NodeStartup) -> str:
    """Write the script; the same facts give the same text."""
    facts = {
        "API_SERVER": f"{node.cluster_ip}:{node.api_port}",
        "CA_PIN": node.ca_pin,
        "NODE_LABELS": ",".join(f"{name}={value}" for name, value in node.labels),
        "TOKEN_KEY": TOKEN_KEY,
        "KUBERNETES_MINOR": KUBERNETES_MINOR,
    }
    said = "\n".join(f"readonly {name}={shlex.quote(value)}" for name, value in facts.items())
    return f"{_HEAD}\n{said}\n{_BODY}"


_HEAD = """\
#!/bin/bash
# Makes this VM a worker node of its cluster. Run at every boot; a node that has joined stays so.
set -euo pipefail
umask 077
"""

_BODY = r"""
readonly ATTRIBUTES=http://metadata.google.internal/computeMetadata/v1/instance/attributes
readonly PACKAGES="https://pkgs.k8s.io/core:/stable:/${KUBERNETES_MINOR}/deb"
readonly KEYRING=/etc/apt/keyrings/kubernetes.gpg

say() {
  echo "node startup: $*"
}

prepare_kernel() {
  printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/kubernetes.conf
  modprobe overlay
  modprobe br_netfilter
  printf '%s = 1\n' net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables \
    >/etc/sysctl.d/90-kubernetes.conf
  sysctl --quiet --system
  swapoff --all
}

install_packages() {
  if command -v kubeadm kubelet containerd >/dev/null; then
    return
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get --quiet update
  apt-get --quiet --yes install ca-certificates containerd curl gpg
  install --directory --mode=0755 /etc/apt/keyrings
  curl --fail --silent --show-error --location --retry 5 "${PACKAGES}/Release.key" |
    gpg --batch --yes --dearmor --output "${KEYRING}"
  chmod 0644 "${KEYRING}"
  printf 'deb [signed-by=%s] %s/ /\n' "${KEYRING}" "${PACKAGES}" \
    >/etc/apt/sources.list.d/kubernetes.list
  chmod 0644 /etc/apt/sources.list.d/kubernetes.list
  apt-get --quiet update
  apt-get --quiet --yes install kubeadm kubelet
  apt-mark hold kubeadm kubelet
}

start_containerd() {
  install --directory --mode=0755 /etc/containerd
  containerd config default |
    sed 's/SystemdCgroup = false/SystemdCgroup = true/' >/etc/containerd/config.toml
  systemctl enable containerd
  systemctl restart containerd
}

# The token comes by metadata when it is issued, which may be after the VM was made.
find_token() {
  local attempt
  for ((attempt = 0; attempt < 360; attempt++)); do
    if curl --fail --silent --max-time 10 --header 'Metadata-Flavor: Google' \
      "${ATTRIBUTES}/${TOKEN_KEY}"; then
      return
    fi
    sleep 10
  done
  say "no ${TOKEN_KEY} in an hour; set one and restart this VM" >&2
  return 1
}

join() {
  local token
  token="$(find_token)"
  if [[ ! "${token}" =~ ^[a-z0-9]{6}\.[a-z0-9]{16}$ ]]; then
    say "what stands in ${TOKEN_KEY} is no bootstrap token" >&2
    return 1
  fi
  install --directory --mode=0700 /run/hakube
  cat >/run/hakube/join.yaml <<EOF_JOIN
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: "${API_SERVER}"
    token: "${token}"
    caCertHashes: ["${CA_PIN}"]
nodeRegistration:
  name: "$(hostname --short)"
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs:
    - name: node-labels
      value: "${NODE_LABELS}"
EOF_JOIN
  kubeadm join --config /run/hakube/join.yaml
  rm --force /run/hakube/join.yaml
}

main() {
  if [[ -s /etc/kubernetes/kubelet.conf ]]; then
    say "this VM has joined at an earlier boot"
    return
  fi
  prepare_kernel
  install_packages
  start_containerd
  join
  say "this VM is a node of ${API_SERVER}"
}

main
"""
