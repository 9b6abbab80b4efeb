"""One request in, one recorded exchange out: engine, preflight, gateway and jobs."""
