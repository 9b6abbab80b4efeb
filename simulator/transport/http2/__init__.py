"""HTTP/2 without I/O (`connection`), and its connections to sockets (`protocol`, `server`)."""
