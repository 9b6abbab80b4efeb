"""What a client disclosed: observed, sealed, judged, counted and reported.

Rule: everything in here is a pure function of an exchange, the catalogue and
the fingerprint key, so that a report can be made again with the same result.
"""
