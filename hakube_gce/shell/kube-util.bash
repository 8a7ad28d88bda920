# Sourced, never run: kube-up's shell functions, for scripts that sourced cluster/kube-util.sh.
#
# Whoever sources this has defined _hakube_start, which replaces the shell it runs in by the program;
# it is only ever called in a subshell. Each function starts the program once. What the program prints
# is evaluated only when it ended well, and is quoted by it. Nothing here decides anything.
# Works under `set -euo pipefail`, in bash 3.2 and later.
# shellcheck shell=bash

# What the program reads, exported or not: the original functions ran in the shell that called them
# and saw its variables. (A test compares this list with the program's own table.)
_hakube_variables='
  ALLOWED_NOTREADY_NODES CLOUDSDK_COMPUTE_ZONE CLOUDSDK_CORE_PROJECT CLUSTER_IP_RANGE
  CLUSTER_READY_ADDITIONAL_TIME_SECONDS CREATE_CUSTOM_NETWORK E2E_ZONES ENABLE_BIG_CLUSTER_SUBNETS
  ENABLE_ETCD_QUORUM_READ ENABLE_ETCD_QUORUM_READS GOOGLE_CLOUD_PROJECT HAKUBE_API_NAMES HAKUBE_BINARIES HAKUBE_CNI_MANIFEST
  HAKUBE_COMPUTE_ENDPOINT HAKUBE_CONFIRM_RECOVER HAKUBE_CONFIRM_RESTORE HAKUBE_CONFIRM_TEARDOWN
  HAKUBE_ENDPOINT_MODE HAKUBE_ENV_FILE HAKUBE_EVEN_MASTERS HAKUBE_HOME HAKUBE_LABELS
  HAKUBE_LATENCY HAKUBE_LB HAKUBE_RUNTIME HAKUBE_SAME_ZONE HAKUBE_SNAPSHOTS HAKUBE_STRICT
  KUBECONFIG KUBERNETES_PROVIDER KUBE_AUTOSCALER_MAX_NODES KUBE_AUTOSCALER_MIN_NODES
  KUBE_CLUSTER_INITIALIZATION_TIMEOUT KUBE_CREATE_NODES KUBE_DELETE_NETWORK KUBE_DELETE_NODES
  KUBE_DNS_DOMAIN KUBE_ENABLE_CLUSTER_AUTOSCALER KUBE_GCE_ENABLE_IP_ALIASES
  KUBE_GCE_INSTANCE_PREFIX KUBE_GCE_IP_ALIAS_SIZE KUBE_GCE_IP_ALIAS_SUBNETWORK
  KUBE_GCE_MASTER_IMAGE KUBE_GCE_MASTER_PROJECT KUBE_GCE_NETWORK KUBE_GCE_NODE_IMAGE
  KUBE_GCE_NODE_IPAM_MODE KUBE_GCE_NODE_PROJECT KUBE_GCE_NODE_SERVICE_ACCOUNT KUBE_GCE_ZONE
  KUBE_MASTER_ZONES KUBE_NODE_LABELS KUBE_REPLICATE_EXISTING_MASTER KUBE_REPLICA_NAME KUBE_SERVER
  KUBE_UP_AUTOMATIC_CLEANUP KUBE_USE_EXISTING_MASTER MASTER_DISK_SIZE MASTER_DISK_TYPE
  MASTER_IP_RANGE MASTER_ROOT_DISK_SIZE MASTER_SIZE MAX_INSTANCES_PER_MIG MULTIZONE
  NETWORK_PROJECT NODE_DISK_SIZE NODE_DISK_TYPE NODE_IP_RANGE NODE_LABELS NODE_SCOPES NODE_SIZE
  NO_COLOR NUM_NODES OVERRIDE_CONTEXT PREEMPTIBLE_MASTER PREEMPTIBLE_NODE PROJECT
  SECONDARY_KUBECONFIG SECONDARY_RANGE_NAME SERVICE_CLUSTER_IP_RANGE SUBNETWORK
'

_hakube_settings=(PROJECT NETWORK_PROJECT KUBERNETES_PROVIDER ZONE REGION INSTANCE_PREFIX NETWORK
  MASTER_NAME MASTER_TAG NODE_INSTANCE_PREFIX NODE_TAG)

# As cluster/gce/config-default.sh did, for scripts that read these before they call anything; what a
# .env says is known from the first call of a detect-… function on.
# shellcheck disable=SC2034 # for the script that sources this
{
  ZONE=${KUBE_GCE_ZONE:-us-central1-b}
  REGION=${ZONE%-*}
  INSTANCE_PREFIX=${KUBE_GCE_INSTANCE_PREFIX:-kubernetes}
  NETWORK=${KUBE_GCE_NETWORK:-default}
  MASTER_NAME=$INSTANCE_PREFIX-master
  MASTER_TAG=$MASTER_NAME
  NODE_INSTANCE_PREFIX=$INSTANCE_PREFIX-minion
  NODE_TAG=$NODE_INSTANCE_PREFIX
}

# Run the program with the caller's variables, exported or not; nothing of it outlives the subshell.
_hakube_run() (
  IFS=$' \t\n'
  # what a detection found is not the caller's word: another PROJECT has another
  [[ -z ${_hakube_found_network-} || ${NETWORK_PROJECT-} != "$_hakube_found_network" ]] ||
    unset NETWORK_PROJECT
  # shellcheck disable=SC2086 # a list of names, split on purpose
  for _hakube_name in $_hakube_variables; do
    # shellcheck disable=SC2163 # the variable of that name is meant
    [[ -z ${!_hakube_name+set} ]] || export "$_hakube_name"
  done
  _hakube_start "$@"
)

# _hakube_detect KEY…: set variables to what the program finds out. A function that failed ends the
# script, as the original ones did; in an interactive shell it only returns, to leave the person there.
_hakube_detect() {
  local _hakube_said _hakube_status=0 _hakube_callers=${NETWORK_PROJECT-}
  [[ $_hakube_callers != "${_hakube_found_network-}" ]] || _hakube_callers=''
  _hakube_said=$(_hakube_run detect --shell "$@" </dev/null) || _hakube_status=$?
  if ((_hakube_status == 0)); then
    eval "$_hakube_said" || _hakube_status=1
    [[ -n $_hakube_callers ]] && _hakube_found_network='' || _hakube_found_network=${NETWORK_PROJECT-}
  fi
  ((_hakube_status)) || return 0
  [[ $- == *i* ]] || exit "$_hakube_status"
  return "$_hakube_status"
}

_hakube_report_project() {
  [[ -z ${PROJECT_REPORTED-} ]] || return 0
  printf '%s\n' "Project: $PROJECT" "Network Project: $NETWORK_PROJECT" "Zone: $ZONE" >&2
  PROJECT_REPORTED=true
}

# Sets PROJECT, NETWORK_PROJECT and what the configuration file set: ZONE, REGION, MASTER_NAME …
detect-project() {
  _hakube_detect "${_hakube_settings[@]}" || return
  _hakube_report_project
}

# Sets KUBE_MASTER and, unless the caller has, KUBE_MASTER_IP. What an earlier call found is looked for
# again: it may have been another cluster's.
detect-master() {
  local _hakube_wanted=(KUBE_MASTER KUBE_MASTER_IP)
  [[ -z ${KUBE_MASTER_IP-} || $KUBE_MASTER_IP == "${_hakube_found_ip-}" ]] || _hakube_wanted=(KUBE_MASTER)
  _hakube_detect "${_hakube_settings[@]}" "${_hakube_wanted[@]}" || return
  _hakube_report_project
  printf '%s\n' "Trying to find master named '$MASTER_NAME'" >&2
  if ((${#_hakube_wanted[@]} == 2)); then
    _hakube_found_ip=$KUBE_MASTER_IP
    printf '%s\n' "Looking for address '$MASTER_NAME-ip'" >&2
  fi
  printf '%s\n' "Using master: $KUBE_MASTER (external IP: $KUBE_MASTER_IP)" >&2
}

# Sets MASTER_NAMES: every master of the cluster, in all zones.
detect-master-names() {
  _hakube_detect "${_hakube_settings[@]}" MASTER_NAMES || return
  _hakube_report_project
  printf 'MASTER_NAMES=%s\n' "${MASTER_NAMES[*]-}" >&2
}

# Sets INSTANCE_GROUPS and NODE_NAMES: the worker nodes in ZONE.
detect-node-names() {
  _hakube_detect "${_hakube_settings[@]}" INSTANCE_GROUPS NODE_NAMES || return
  _hakube_report_project
  printf '%s\n' "INSTANCE_GROUPS=${INSTANCE_GROUPS[*]-}" "NODE_NAMES=${NODE_NAMES[*]-}" >&2
}

# Prints how many masters the cluster has, in all zones, without a line end.
get-master-replicas-count() {
  local MASTER_NAMES=()
  _hakube_detect "${_hakube_settings[@]}" MASTER_NAMES || return
  _hakube_report_project
  printf '%s' "${#MASTER_NAMES[@]}"
}

kube-up() { _hakube_run up "$@"; }

kube-down() { _hakube_run down "$@"; }

validate-cluster() { _hakube_run validate "$@"; }
