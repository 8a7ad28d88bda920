#!/bin/bash
# Makes this VM a worker node of its cluster. Run at every boot; a node that has joined stays so.
set -euo pipefail
umask 077

readonly API_SERVER=203.0.113.5:443
readonly AUTHORITY='-----BEGIN CERTIFICATE-----
AUTHORITY
-----END CERTIFICATE-----'
readonly NODE_LABELS=''
readonly CERTIFICATE_KEY=hakube-node-certificate
readonly REQUEST_TYPE=node-request
readonly KUBERNETES_MINOR=v1.32

readonly METADATA=http://metadata.google.internal/computeMetadata/v1/instance
readonly SERIAL=/dev/ttyS1
readonly KEYS=/var/lib/hakube
readonly RUN=/run/hakube
readonly POLL_S=10
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
  apt-get --quiet --yes install ca-certificates containerd curl gpg openssl
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

ask_metadata() {
  curl --fail --silent --max-time 10 --header 'Metadata-Flavor: Google' "${METADATA}/$1"
}

# The key is drawn once and never leaves this disk; whoever has root here has the node anyway.
make_key() {
  install --directory --mode=0700 "${KEYS}"
  printf '%s\n' "${AUTHORITY}" >"${KEYS}/ca.crt"
  if [[ ! -s "${KEYS}/node.key" ]]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "${KEYS}/node.key.new"
    mv --force "${KEYS}/node.key.new" "${KEYS}/node.key"
  fi
}

# A request proves that its sender has the key; that it is this VM's shows where it is said.
say_request() {
  local id now request
  id="$(ask_metadata id)"
  now="$(date --utc +%Y-%m-%dT%H:%M:%SZ)"
  request="$(openssl req -new -key "${KEYS}/node.key" -subj '/CN=node' |
    awk '{printf "%s\\n", $0}')"
  printf '{"hakube":1,"type":"%s","instance_id":"%s","time":"%s","request":"%s"}\n' \
    "${REQUEST_TYPE}" "${id}" "${now}" "${request}" >>"${SERIAL}"
}

# Metadata is written by others: believed is a certificate of the cluster's, for this very key.
fits() {
  local own theirs
  own="$(openssl pkey -in "${KEYS}/node.key" -pubout)"
  theirs="$(openssl x509 -in "$1" -noout -pubkey)" || return 1
  [[ "${own}" == "${theirs}" ]] &&
    openssl verify -CAfile "${KEYS}/ca.crt" -purpose sslclient "$1" >/dev/null
}

find_certificate() {
  local attempt
  for ((attempt = 0; attempt < 360; attempt++)); do
    if ask_metadata "attributes/${CERTIFICATE_KEY}" >"${KEYS}/node.crt.new" &&
      fits "${KEYS}/node.crt.new" 2>/dev/null; then
      mv --force "${KEYS}/node.crt.new" "${KEYS}/node.crt"
      return
    fi
    say_request
    sleep "${POLL_S}"
  done
  say "nobody signed this node's request; run hakube join-nodes and restart this VM" >&2
  return 1
}

write_discovery() {
  install --directory --mode=0700 "${RUN}"
  cat >"${RUN}/discovery.conf" <<EOF_DISCOVERY
apiVersion: v1
kind: Config
clusters:
  - name: cluster
    cluster:
      server: "https://${API_SERVER}"
      certificate-authority-data: "$(base64 --wrap=0 "${KEYS}/ca.crt")"
users:
  - name: node
    user:
      client-certificate-data: "$(base64 --wrap=0 "${KEYS}/node.crt")"
      client-key-data: "$(base64 --wrap=0 "${KEYS}/node.key")"
contexts:
  - name: node
    context:
      cluster: cluster
      user: node
current-context: node
EOF_DISCOVERY
}

join() {
  make_key
  find_certificate
  write_discovery
  cat >"${RUN}/join.yaml" <<EOF_JOIN
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  file:
    kubeConfigPath: ${RUN}/discovery.conf
nodeRegistration:
  name: "$(hostname --short)"
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs:
    - name: node-labels
      value: "${NODE_LABELS}"
EOF_JOIN
  kubeadm join --config "${RUN}/join.yaml"
  rm --force "${RUN}/join.yaml" "${RUN}/discovery.conf"
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
