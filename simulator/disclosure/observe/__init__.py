"""From an exchange to what it disclosed."""
