"""Simulated devices: they activate, enrol in an MDM, get pushes, execute commands, are erased.

A device reaches the MDM, and all else, by HTTP only. What it says follows from
its record and from what it was sent; `simulator.devices.hosting` does the I/O.
"""
