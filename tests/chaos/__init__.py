"""Chaos on real etcd: faults and our own commands at once, and what clients saw meanwhile.

Nothing in this package imports the program: it drives it by its documented commands, and looks at
etcd's own ports.
"""
