"""A small Compute Engine on this machine: what hakube-gce runs against when there is no cloud.

The Compute API side owns every resource record and refuses what Google refuses; a runtime decides
what a VM is (a record, or a group of processes). Nothing here imports the planner, the executor
or the gateway: an emulator that shared their code would share their mistakes. It talks to
loopback only.
"""
