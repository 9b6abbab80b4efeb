"""The devices of organisations and the servers they are assigned to.

This is no service of its own: it is what device assignment (DEP) and the API of
School and Business Manager both read and change. Each change of a device is written once in here,
with the events that a sync tells of, so that every service sees the same.
"""
