"""The agent: what runs on every master, and nothing else of this package may run there.

Python's standard library and the ``openssl`` command only, so that a bare Debian or Ubuntu image
can run it. It decides nothing about Compute Engine: it looks after one replica's keys, etcd
member and API server, and does single jobs that the operator asks for through `docs/CHANNEL.md`.
"""
