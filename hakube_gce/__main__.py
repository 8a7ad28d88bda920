"""``python -m hakube_gce`` and the ``hakube`` command."""

import sys

from hakube_gce.cli import main

if __name__ == "__main__":
    sys.exit(main())
