# Sourced, never run: whether the checkout's Python environment can be used, and how the program starts.
# Bash 3.2 and no command from outside on the usual way: it stands before every start of the program.
# shellcheck shell=bash

# Say one line to the person at the terminal; stdout belongs to the program.
say() { printf 'hakube-gce: %s\n' "$*" >&2; }

# environment_is_ready ROOT MODE: true when ROOT/.venv was finished for this very folder, by this very
# lock file, in MODE (runtime or dev). Judges by times; scripts/setup judges by content.
environment_is_ready() {
  local root=$1 mode=$2 stamp=$1/.venv/setup-stamp seen_root='' seen_mode=''
  # The interpreter is a symbolic link: -x is false when the Python it led to is gone.
  [[ -x $root/.venv/bin/python && -f $stamp && ! -e $root/.venv/setup-unfinished ]] || return 1
  [[ ! $root/requirements.lock -nt $stamp ]] || return 1
  [[ $mode != dev || ! $root/requirements-dev.lock -nt $stamp ]] || return 1
  { IFS= read -r seen_root && IFS= read -r seen_mode; } <"$stamp" || return 1
  [[ $seen_root == "$root" && ($mode == runtime || $seen_mode == dev) ]]
}

# run_program ROOT ARGUMENTS…: replace this shell by the program, making the environment if need be.
run_program() {
  local root=$1
  shift
  # Not left to errexit: kube-util.sh's callers may have switched it off.
  environment_is_ready "$root" runtime || "$root/scripts/setup" </dev/null >&2 || exit
  # -I: neither the current folder nor PYTHONPATH may put another module in the place of ours.
  exec "$root/.venv/bin/python" -I -m hakube_gce "$@"
}
