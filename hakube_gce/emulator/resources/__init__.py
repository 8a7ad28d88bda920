"""One module per kind of resource: what Google's API does with it, as far as a cluster needs it.

Every module exports ``ROUTES``. Choices marked [K] are believed, not verified against Google.
"""
