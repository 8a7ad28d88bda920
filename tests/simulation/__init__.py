"""The whole program against a cloud in memory, on a virtual clock, from one seed.

Everything is the product's own: planner, run, executor, performer, lock, channel, gateway, agents.
What is replaced is what would make two runs differ: sockets, threads, time and chance. See
`cloud` for the world, `operator` for a run in it, `walks` for random schedules.
"""
