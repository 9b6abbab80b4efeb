"""The commands that a device executes, each beside the row that says where it exists."""
