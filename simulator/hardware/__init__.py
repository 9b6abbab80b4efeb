"""Invented hardware: devices of Apple's product lines, with numbers that no sold device has."""
