"""Planted defects about networks: what is somebody else's, and what Compute Engine would refuse.

Data alone, as in `mutants_table`.
"""

from mutants_table import Mutant

_PLANNED = "tests/unit/test_plan_networks.py::"
_SERVED = "tests/contract/test_gateway_networks.py::"
_KILLED = (
    "tests/simulation/test_crashes.py::"
    "test_killed_around_any_change_the_same_command_finishes[own network: "
)

NETWORK_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="an earlier cluster's network is taken for ours",
        rule="nothing without this cluster's mark is deleted",
        file="marks.py",
        old="(mark.cluster, mark.uid) == (prefix, uid)",
        new="mark.cluster == prefix",
        test=_PLANNED + "test_only_this_clusters_mark_makes_a_network_ours",
    ),
    Mutant(
        name="others in a network of ours are not looked for",
        rule="a network that others use stays",
        file="plan/network_teardown.py",
        old="    if guests:\n",
        new="    if False:\n",
        test=_PLANNED + "test_what_others_have_in_it_keeps_a_network_and_is_named",
    ),
    Mutant(
        name="the network goes whatever KUBE_DELETE_NETWORK says",
        rule="false keeps",
        file="plan/network_teardown.py",
        old="    if not blueprint.networking.goes(name):\n",
        new="    if False:\n",
        test=_PLANNED + "test_the_name_of_the_network_that_was_made_decides_unless_somebody_said",
    ),
    Mutant(
        name="a network is deleted beside what is in it",
        rule="after everything in it",
        file="plan/network_teardown.py",
        old="after=(*before, *subnets)",
        new="after=subnets",
        test=_PLANNED + "test_what_is_ours_goes_after_all_that_is_in_it_and_before_the_address",
    ),
    Mutant(
        name="a teardown forgets the network of the cluster",
        rule="a teardown leaves the project as it was",
        file="plan/network_teardown.py",
        old="        if name not in stay:\n",
        new="        if False:\n",
        test=_KILLED + "tear down 1]",
    ),
    Mutant(
        name="a network is made without the cluster's mark",
        rule="whatever we make says whose it is",
        file="plan/networks.py",
        old=".custom,\n            description=description,",
        new='.custom,\n            description="",',
        test=_PLANNED + "test_a_network_that_is_not_there_is_made_before_anything_is_put_into_it",
    ),
    Mutant(
        name="a creation cut short makes its subnetwork again",
        rule="the same command goes on",
        file="plan/networks.py",
        old="    if not name or seen.networks.subnetwork(name) or not (custom or for_aliases):",
        new="    if not name or not (custom or for_aliases):",
        test=_KILLED + "create]",
    ),
    Mutant(
        name="somebody else's subnetwork grows",
        rule="what is there is never changed",
        file="plan/networks.py",
        old="return blueprint.networking.big and automatic and in_it and is_own(blueprint, seen)",
        new="return blueprint.networking.big and automatic and in_it",
        test=_PLANNED + "test_only_a_subnetwork_that_came_with_a_network_of_ours_grows",
    ),
    Mutant(
        name="ranges that meet are not noticed",
        rule="refused before anything is made",
        file="plan/network_blockers.py",
        old="        if IPv4Network(text).overlaps(IPv4Network(other))\n",
        new="        if text == other\n",
        test=_PLANNED + "test_what_compute_engine_would_refuse_midway_is_refused_before",
    ),
    Mutant(
        name="firewalls are asked for in the machines' project",
        rule="what is of networks is in the network project",
        file="gce/gateway.py",
        old="self.networks = GoogleNetworks(self._host, self._kinds, clients)",
        new="self.networks = GoogleNetworks(self._project, self._kinds, clients)",
        test=_SERVED + "test_machines_of_one_project_stand_in_the_network_of_another",
    ),
    Mutant(
        name="a custom network's mode is left out of the request",
        rule="without a mode Compute Engine makes a legacy network",
        file="gce/networks.py",
        old="auto_create_subnetworks=spec.automatic,",
        new="auto_create_subnetworks=spec.automatic or None,",
        test=_SERVED + "test_a_request_says_the_mode_even_when_it_is_the_smaller_value",
    ),
    Mutant(
        name="a teardown looks into the wrong project",
        rule="what a run cannot see it must not call gone",
        file="plan/networks.py",
        old="    if kept == asked:\n",
        new="    if True:\n",
        test=_PLANNED + "test_a_run_that_looks_into_another_project_is_refused_whatever_it_wants",
    ),
)
