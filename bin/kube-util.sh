# Sourced by bash scripts, never run: detect-project, detect-master, kube-up and the other functions
# of the original cluster/kube-util.sh. They run this checkout's program, whatever the caller does to
# its folder, its PATH or the link through which it was sourced.
# shellcheck shell=bash

# Print the root of the checkout; in a subshell, so that nothing of it stays with the caller.
_hakube_find_root() (
  unset CDPATH
  self=${BASH_SOURCE[0]}
  while [[ -L $self ]]; do
    folder=$(builtin cd -P "$(dirname "$self")" && pwd) || exit
    self=$(readlink "$self") || exit
    [[ $self == /* ]] || self=$folder/$self
  done
  builtin cd -P "$(dirname "$self")/.." && pwd
)

_hakube_root=$(_hakube_find_root)

_hakube_start() {
  # shellcheck source=../scripts/lib/environment.bash
  source "$_hakube_root/scripts/lib/environment.bash" || exit
  run_program "$_hakube_root" "$@"
}

# shellcheck source=../hakube_gce/shell/kube-util.bash
source "$_hakube_root/hakube_gce/shell/kube-util.bash"
