"""mdmsim: a simulator of Apple's servers for MDM, with a record of what an MDM discloses."""

__version__ = "0.1.0"
