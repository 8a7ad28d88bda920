#!/bin/bash
# Makes this VM a worker node of its cluster. Run at every boot; a node that has joined stays so.
set -euo pipefail
umask 077

readonly API_SERVER=203.0.113.5:6443
readonly CA_PIN=sha256:abababababababababababababababababababababababababababababababab
readonly NODE_LABELS=pool=workers,example.com/team=dev
readonly TOKEN_KEY=hakube-join-token
readonly KUBERNETES_MINOR=v1.32

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
