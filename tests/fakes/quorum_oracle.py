"""What etcd's arithmetic allows, written down anew; imports nothing, least of all of ours.

A pattern has a character per voter, ``+`` when it takes part. With V voters and H of them healthy,
a newcomer becomes a learner only beside healthy voters alone; it is promoted only where writing
goes on if it fails at once (the second voter cannot have that, and must be alive instead); a voter
leaves only with a majority before and a majority after.
"""


def allows(pattern: str, operation: str, index: int = -1, *, newcomer_alive: bool = True) -> bool:
    """Judge ``add`` (a learner), ``promote`` (it) or ``remove`` (the voter at ``index``)."""
    voters, healthy = len(pattern), pattern.count("+")
    if operation == "add":
        return healthy == voters
    if operation == "promote":
        if voters == 1:
            return healthy == 1 and newcomer_alive
        return healthy >= (voters + 1) // 2 + 1
    stay = pattern[:index] + pattern[index + 1 :]
    return healthy >= voters // 2 + 1 and stay.count("+") >= len(stay) // 2 + 1
