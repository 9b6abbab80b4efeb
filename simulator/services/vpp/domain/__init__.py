"""State and rules that both generations of Apps and Books share."""
