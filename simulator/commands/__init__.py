"""The commands of the command line, one module each; each module has a ``command``."""
