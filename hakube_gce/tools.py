"""The commands that need no cluster, no variables and no .env: `shims` and `completion`."""

import json
import shlex
import sys

from hakube_gce import arguments, completion, programs, shims
from hakube_gce.arguments import Arguments
from hakube_gce.errors import SettingsError
from hakube_gce.render import Result, result_object
from hakube_gce.terminal import deliver, out


def write_shims(found: Arguments) -> int:
    """Write kube-up.sh and the like for this program."""
    if not found.folder:  # an unset variable in somebody's script
        raise SettingsError(
            ["hakube shims '': no folder is named; for example hakube shims cluster"]
        )
    folder = programs.current_folder() / found.folder
    done = shims.write(folder, shims.own_texts())
    changed = any(shim.state != "unchanged" for shim in done)
    if found.json:
        files = [{"path": str(shim.path), "state": shim.state} for shim in done]
        out(_object(found, files=files, changed=changed))
        return 0
    for shim in done:
        out(f"{shim.state:<9}  {shim.path}")
    if changed:
        out(f"In bash scripts: source {shlex.quote(str(folder / 'kube-util.sh'))}")
    else:
        out("Everything is as asked. Nothing was changed.")
    return 0


def print_completion(found: Arguments) -> int:
    """Print the script that completes hakube in a shell."""
    text = completion.script(found.shell_name, arguments.table())
    asked = _object(found, script=text, changed=False) if found.json else text.rstrip("\n")
    deliver(asked, sys.stdout)
    return 0


def _object(found: Arguments, *, changed: bool, **more: object) -> str:
    result = Result(verb=found.verb, changed=changed, exit_status=0)
    return json.dumps({**result_object(result), **more})
