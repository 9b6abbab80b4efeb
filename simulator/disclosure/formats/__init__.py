"""What a report can be written as; the table of all formats is in ``table``."""
