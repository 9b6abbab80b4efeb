"""The hash chain over the journal, which the store writes and reports verify."""
