"""What the backends on SQL databases share: statements, transactions and the reading of rows."""
