"""What every other room builds on: values, state protocols, time, settings, files."""
