"""HTTP/1.1, on aiohttp's low-level server."""
