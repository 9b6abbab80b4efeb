"""The web console: pages over the control API, on the same port."""
