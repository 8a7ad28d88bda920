"""`hakube detect`: what scripts ask of a cluster, printed for a shell, for programs or for people.

Scripts call it over and over, so what the variables tell costs no import of the cloud's library,
and nothing is warned about: the change itself will say it.
"""

import json
import sys
from collections.abc import Mapping

from hakube_gce import facts
from hakube_gce.arguments import Arguments
from hakube_gce.render import Result, result_object
from hakube_gce.settings import Settings
from hakube_gce.terminal import deliver


def detect(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Print what was asked for; Compute Engine is asked only when need be."""
    keys = found.keys or facts.KEYS
    values = facts.of_settings(settings)
    if facts.needs_a_look(keys):
        # imported when it is needed: the cloud's library takes longer than all the rest
        from hakube_gce import looks  # noqa: PLC0415

        values = looks.find_facts(keys, settings, environment)
    if found.json:
        result = result_object(Result(verb=found.verb, changed=False, exit_status=0))
        text = json.dumps({**result, "facts": {key: values[key] for key in keys}})
    else:
        text = (facts.assignments if found.assignments else facts.lines)(values, keys)
    deliver(text, sys.stdout, whole=True)  # half the assignments must not come with status 0
    return 0
