"""HTTP/2 without I/O (`connection`), and its connection to sockets (`protocol`)."""
