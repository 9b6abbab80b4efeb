"""What people do in Apple's portal, as calls of the control API."""
